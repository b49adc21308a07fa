// Command extract writes schema/google.json: of the resources named in it by hand
// or below, the names, types and nesting, out of the bindings that were generated
// from the provider. It reads the package as npm delivers it:
//
//	npm pack @cdktf/provider-google@16.12.1
//	go run ./extract cdktf-provider-google-16.12.1.tgz > schema/google.json
package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

const (
	provider = "hashicorp/google 6.50.0"
	source   = "@cdktf/provider-google 16.12.1"
)

// resources are the folders of the package that deploy/terraform needs.
var resources = []string{
	"artifact-registry-repository-iam-member",
	"cloud-run-v2-job",
	"cloud-run-v2-job-iam-member",
	"cloud-run-v2-service",
	"cloud-run-v2-service-iam-member",
	"cloud-scheduler-job",
	"logging-metric",
	"monitoring-alert-policy",
	"project-iam-custom-role",
	"project-iam-member",
	"project-service",
	"pubsub-subscription",
	"pubsub-subscription-iam-member",
	"pubsub-topic",
	"pubsub-topic-iam-member",
	"secret-manager-secret",
	"secret-manager-secret-iam-member",
	"service-account",
	"service-account-iam-member",
	"storage-bucket",
	"storage-bucket-iam-member",
}

var dataSources = []string{"data-google-project"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "extract:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("want one argument, the package's .tgz")
	}
	texts, err := readPackage(args[0])
	if err != nil {
		return err
	}
	p := &schema.Provider{Provider: provider, Source: source, Resources: map[string]*schema.Block{}, Data: map[string]*schema.Block{}}
	if err := add(p.Resources, texts, resources); err != nil {
		return err
	}
	if err := add(p.Data, texts, dataSources); err != nil {
		return err
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", " ")
	return enc.Encode(p)
}

func add(to map[string]*schema.Block, texts map[string]string, folders []string) error {
	for _, folder := range folders {
		text, ok := texts[folder]
		if !ok {
			return fmt.Errorf("the package has no %s", folder)
		}
		name, block, err := readResource(text)
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		to[name] = block
	}
	return nil
}

// readPackage answers lib/FOLDER/index.js by folder.
func readPackage(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	texts := map[string]string{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if err == io.EOF {
			return texts, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		folder, file := path.Split(h.Name)
		if file != "index.js" || !strings.HasPrefix(folder, "package/lib/") {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		texts[path.Base(folder)] = string(text)
	}
}
