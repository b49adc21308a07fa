#!/bin/sh
# Makes the root folder of the container image: all that is in the image, and nothing else.
#
#   deploy/image/build.sh DIR       # DIR is created and must be empty
#
# The Dockerfile runs this as it stands, and so does the test beside it, so that what the test has
# seen is what ships. The same source, Go release and variables give the same bytes, in whatever folder:
#
#   VERSION            what "asa2udm version" prints [devel]
#   SOURCE_DATE_EPOCH  time of all files and of the SBOM, seconds since 1970 [0]
#   CA_BUNDLE          certificate roots to ship [/etc/ssl/certs/ca-certificates.crt]
#   GOARCH             architecture of the program [that of this machine]
set -eu

die() {
	echo "build.sh: $*" >&2
	exit 2
}

[ $# -eq 1 ] || die "want one argument, the folder to make, got $#"
mkdir -p "$1"
root=$(cd "$1" && pwd)
[ -z "$(ls -A "$root")" ] || die "$root is not empty"
source=$(cd "$(dirname "$0")/../.." && pwd)
version=${VERSION:-devel}
epoch=${SOURCE_DATE_EPOCH:-0}
roots=${CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}
[ -s "$roots" ] || die "no certificate roots at $roots: install ca-certificates, or set CA_BUNDLE"
case $version in
*[!A-Za-z0-9.+_-]* | '') die "VERSION=\"$version\": want letters, digits and .+_- only" ;;
esac
case $epoch in
*[!0-9]*) die "SOURCE_DATE_EPOCH=\"$epoch\": want seconds since 1970" ;;
esac

umask 022
doc=$root/usr/share/doc/asa2udm
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$doc"

# Nothing of the machine may reach the program: no paths, no state of a checkout, no settings of its Go.
# Time zones are built in, for rules that ask for the hour somewhere.
unset GOEXPERIMENT GOAMD64 GOARM64 GODEBUG GOFIPS140
GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 GOOS=linux go build -C "$source" \
	-trimpath -buildvcs=false -tags disable_grpc_modules,timetzdata \
	-ldflags "-s -w -buildid= -X main.release=$version" -o "$root/usr/bin/asa2udm" ./cmd/asa2udm

# The list of what is in the program, read from the program. This one runs here, whatever GOARCH is.
(
	unset GOARCH
	GOFLAGS=-mod=readonly GOWORK=off go run -C "$source" ./deploy/image/sbom \
		-version "$version" -epoch "$epoch" "$root/usr/bin/asa2udm"
) >"$doc/sbom.cdx.json"

cp "$roots" "$root/etc/ssl/certs/ca-certificates.crt"
cp "$source/LICENSE" "$doc/LICENSE"
echo 'nonroot:x:65532:65532:asa2udm:/:/sbin/nologin' >"$root/etc/passwd"
echo 'nonroot:x:65532:' >"$root/etc/group"

find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -exec chmod 644 {} +
chmod 755 "$root/usr/bin/asa2udm"
find "$root" -exec touch -h -d "@$epoch" {} +
