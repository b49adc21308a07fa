//go:build linux

package image_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one of a Dockerfile, with its lines joined.
type instruction struct {
	line     int
	name     string
	argument string
}

// readDockerfile reads what this repository's Dockerfile is made of: comments,
// instructions, and lines that go on with a backslash.
func readDockerfile(text string) (all []instruction) {
	joined, begin := "", 0
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if joined == "" {
			begin = i + 1
		}
		rest, more := strings.CutSuffix(line, `\`)
		joined += rest
		if more {
			continue
		}
		name, argument, _ := strings.Cut(joined, " ")
		all = append(all, instruction{begin, strings.ToUpper(name), strings.TrimSpace(argument)})
		joined = ""
	}
	return all
}

// faults says what is wrong with a Dockerfile.
func faults(text string) (found []string) {
	all := readDockerfile(text)
	args := map[string]string{}
	stage := -1
	var last []instruction
	for _, i := range all {
		switch i.name {
		case "ARG":
			name, value, _ := strings.Cut(i.argument, "=")
			args[name] = value
		case "FROM":
			stage++
			last = nil
			found = append(found, baseFaults(i, args)...)
		}
		if strings.Contains(i.argument, "KEY_SECRET") {
			found = append(found, "a secret in the image")
		}
		last = append(last, i)
	}
	if stage != 1 {
		found = append(found, "want two stages")
	}
	if !slices.ContainsFunc(all, func(i instruction) bool {
		return i.name == "RUN" && strings.HasSuffix(i.argument, " deploy/image/build.sh /image")
	}) {
		found = append(found, "the script is not run")
	}
	return append(found, lastStageFaults(last)...)
}

func baseFaults(from instruction, args map[string]string) []string {
	image := strings.Fields(from.argument)[0]
	if name, ok := strings.CutPrefix(image, "${"); ok {
		image = args[strings.TrimSuffix(name, "}")]
	}
	if image != "scratch" && !regexp.MustCompile(`^golang:1\.\d+\.\d+-[a-z]+$`).MatchString(image) {
		return []string{"base image " + image + " is not pinned"}
	}
	return nil
}

// lastStageFaults looks at the stage that ships.
func lastStageFaults(stage []instruction) (found []string) {
	has := map[string]string{}
	for _, i := range stage {
		switch i.name {
		case "FROM", "ARG", "LABEL", "COPY", "USER", "ENTRYPOINT":
			has[i.name] = i.argument
		default:
			found = append(found, "the last stage has "+i.name)
		}
	}
	if has["FROM"] != "scratch" {
		found = append(found, "the last stage is from "+has["FROM"])
	}
	if has["COPY"] != "--from=build /image/ /" {
		found = append(found, "the last stage copies "+has["COPY"])
	}
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(has["USER"]) {
		found = append(found, "user "+has["USER"]+" is not a number other than 0, which is all that an engine can check")
	}
	var command []string
	if json.Unmarshal([]byte(has["ENTRYPOINT"]), &command) != nil || !slices.Equal(command, []string{"/usr/bin/asa2udm"}) {
		found = append(found, "entry point "+has["ENTRYPOINT"]+" needs a shell, or is not the program")
	}
	for _, label := range []string{"title", "description", "source", "version", "revision", "licenses"} {
		if !strings.Contains(has["LABEL"], `org.opencontainers.image.`+label+`="`) {
			found = append(found, "no label "+label)
		}
	}
	if !strings.Contains(has["LABEL"], `io.github.asa2udm.sbom="/usr/share/doc/asa2udm/sbom.cdx.json"`) {
		found = append(found, "no label for the SBOM")
	}
	return found
}

func TestDockerfile(t *testing.T) {
	data, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, fault := range faults(text) {
		t.Errorf("Dockerfile: %s", fault)
	}
	for name, test := range map[string]struct{ old, new, want string }{
		"latest":           {"golang:1.26.8-bookworm\n", "golang:latest\n", "base image golang:latest is not pinned"},
		"other last stage": {"FROM scratch", "FROM golang:1.26.8-bookworm", "the last stage is from golang"},
		"no script":        {"deploy/image/build.sh /image", "go build -o /image/asa2udm", "the script is not run"},
		"root":             {"USER 65532:65532", "USER 0:0", "user 0:0 is not"},
		"no user":          {"USER 65532:65532\n", "", "user  is not"},
		"user by name":     {"USER 65532:65532", "USER nonroot", "user nonroot is not"},
		"shell form":       {`ENTRYPOINT ["/usr/bin/asa2udm"]`, "ENTRYPOINT /usr/bin/asa2udm", "needs a shell"},
		"secret":           {"ARG REVISION=unknown\n", "ARG ASA_KEY_SECRET\n", "a secret in the image"},
		"one layer more":   {"USER 65532:65532", "RUN apt-get update\nUSER 65532:65532", "the last stage has RUN"},
		"no sbom":          {"io.github.asa2udm.sbom=", "io.github.asa2udm.other=", "no label for the SBOM"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(text, test.old, test.new, 1)
			if changed == text {
				t.Fatalf("nothing to replace: %q", test.old)
			}
			if got := strings.Join(faults(changed), "; "); !strings.Contains(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}
