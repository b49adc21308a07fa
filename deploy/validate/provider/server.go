package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

// errNoCloud is the answer to all that would change or read something.
var errNoCloud = errors.New("this provider only validates and plans: there is no cloud behind it")

// server answers what validate and plan ask.
type server struct {
	// Calls that validate and plan never make.
	tfprotov5.ProviderServer
	resources, data map[string]*tfprotov5.Schema
}

func newServer(google *schema.Provider) *server {
	return &server{resources: convertAll(google.Resources), data: convertAll(google.Data)}
}

func (s *server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	r := &tfprotov5.GetMetadataResponse{ServerCapabilities: &tfprotov5.ServerCapabilities{}}
	for name := range s.resources {
		r.Resources = append(r.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range s.data {
		r.DataSources = append(r.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return r, nil
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	settings := &tfprotov5.SchemaBlock{}
	for _, name := range []string{"project", "region"} {
		settings.Attributes = append(settings.Attributes, &tfprotov5.SchemaAttribute{Name: name, Type: tftypes.String, Optional: true})
	}
	return &tfprotov5.GetProviderSchemaResponse{
		Provider: &tfprotov5.Schema{Block: settings}, ResourceSchemas: s.resources, DataSourceSchemas: s.data,
	}, nil
}

func (s *server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (s *server) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

// Terraform itself holds a configuration against the schema, except that it leaves
// to the provider to refuse results that are set. What only the real provider
// knows, such as the values of an enum, is not looked at.
func (s *server) ValidateResourceTypeConfig(_ context.Context, r *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	answer := &tfprotov5.ValidateResourceTypeConfigResponse{}
	sch := s.resources[r.TypeName]
	_, err := fill(sch, r.Config, func(a *tfprotov5.SchemaAttribute, _ map[string]tftypes.Value) tftypes.Value {
		return tftypes.NewValue(a.Type, nil)
	}, func(a *tfprotov5.SchemaAttribute) {
		answer.Diagnostics = append(answer.Diagnostics, &tfprotov5.Diagnostic{
			Severity: tfprotov5.DiagnosticSeverityError, Summary: "Value for unconfigurable attribute",
			Detail:    fmt.Sprintf("Can't configure a value for %q: it is a result.", a.Name),
			Attribute: tftypes.NewAttributePath().WithAttributeName(a.Name),
		})
	})
	return answer, err
}

func (s *server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

// PlanResourceChange leaves unknown what a cloud would answer.
func (s *server) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	sch := s.resources[r.TypeName]
	planned, err := fill(sch, r.ProposedNewState, func(a *tfprotov5.SchemaAttribute, set map[string]tftypes.Value) tftypes.Value {
		if r.TypeName == "google_service_account" {
			return accountValue(a, set)
		}
		return tftypes.NewValue(a.Type, tftypes.UnknownValue)
	})
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: planned}, err
}

// accountValue answers an account's address, which follows from what is set, so
// that the real provider tells it in a plan, too.
func accountValue(a *tfprotov5.SchemaAttribute, set map[string]tftypes.Value) tftypes.Value {
	var id, project string
	if (a.Name != "email" && a.Name != "member") || set["account_id"].As(&id) != nil || set["project"].As(&project) != nil {
		return tftypes.NewValue(a.Type, tftypes.UnknownValue)
	}
	email := id + "@" + project + ".iam.gserviceaccount.com"
	if a.Name == "member" {
		email = "serviceAccount:" + email
	}
	return tftypes.NewValue(a.Type, email)
}

// ReadDataSource answers the same for each project.
func (s *server) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	state, err := fill(s.data[r.TypeName], r.Config, func(a *tfprotov5.SchemaAttribute, _ map[string]tftypes.Value) tftypes.Value {
		if a.Name == "number" {
			return tftypes.NewValue(tftypes.String, "123456789012")
		}
		return tftypes.NewValue(a.Type, nil)
	})
	return &tfprotov5.ReadDataSourceResponse{State: state}, err
}

func (s *server) ReadResource(context.Context, *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return nil, errNoCloud
}

func (s *server) ApplyResourceChange(context.Context, *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	return nil, errNoCloud
}

// fill gives computed attributes that are not set a value, and tells of those that
// are set although nothing but the server may set them.
func fill(sch *tfprotov5.Schema, body *tfprotov5.DynamicValue, value func(*tfprotov5.SchemaAttribute, map[string]tftypes.Value) tftypes.Value,
	set ...func(*tfprotov5.SchemaAttribute),
) (*tfprotov5.DynamicValue, error) {
	kind := sch.ValueType()
	v, err := body.Unmarshal(kind)
	if err != nil {
		return nil, fmt.Errorf("read a body: %w", err)
	}
	if v.IsNull() {
		return body, nil
	}
	fields := map[string]tftypes.Value{}
	if err := v.As(&fields); err != nil {
		return nil, fmt.Errorf("read a body: %w", err)
	}
	for _, a := range sch.Block.Attributes {
		switch {
		case !a.Computed:
		case fields[a.Name].IsNull():
			fields[a.Name] = value(a, fields)
		case !a.Optional:
			for _, tell := range set {
				tell(a)
			}
		}
	}
	filled, err := tfprotov5.NewDynamicValue(kind, tftypes.NewValue(kind, fields))
	return &filled, err
}
