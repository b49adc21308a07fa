# The collector as a container: one static program, certificate roots, and no more.
#
#   docker build --build-arg VERSION=v1.2.3 --build-arg REVISION="$(git rev-parse HEAD)" \
#     --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" -t asa2udm:v1.2.3 .
#
# The one base image is pinned by its version. Whoever ships this pins it by digest, too:
# --build-arg GO_IMAGE=golang:1.26.8-bookworm@sha256:...
ARG GO_IMAGE=golang:1.26.8-bookworm

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
ARG SOURCE_DATE_EPOCH=0
RUN VERSION="$VERSION" SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" deploy/image/build.sh /image

FROM scratch
ARG VERSION=devel
ARG REVISION=unknown
LABEL org.opencontainers.image.title="asa2udm" \
      org.opencontainers.image.description="Collects Okta ASA audit events, each exactly once, and maps them to UDM" \
      org.opencontainers.image.source="https://github.com/asa2udm/asa2udm" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      io.github.asa2udm.sbom="/usr/share/doc/asa2udm/sbom.cdx.json"
COPY --from=build /image/ /
USER 65532:65532
ENTRYPOINT ["/usr/bin/asa2udm"]
