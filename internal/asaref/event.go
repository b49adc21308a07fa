package asaref

// The part of a UDM event that ASA records fill, in the order of the schema.

type event struct {
	Metadata       metadata         `json:"metadata"`
	Additional     additional       `json:"additional,omitzero"`
	Principal      noun             `json:"principal,omitzero"`
	Target         noun             `json:"target,omitzero"`
	Intermediary   []noun           `json:"intermediary,omitempty"`
	SecurityResult []securityResult `json:"security_result,omitempty"`
	Network        network          `json:"network,omitzero"`
	Extensions     extensions       `json:"extensions,omitzero"`
}

type metadata struct {
	EventTimestamp   string `json:"event_timestamp"`
	EventType        string `json:"event_type"`
	VendorName       string `json:"vendor_name"`
	ProductName      string `json:"product_name"`
	ProductEventType string `json:"product_event_type,omitempty"`
}

type additional struct {
	TeamName string `json:"team_name,omitempty"`
	ID       string `json:"id,omitempty"`
}

type noun struct {
	Hostname        string   `json:"hostname,omitempty"`
	User            user     `json:"user,omitzero"`
	Asset           asset    `json:"asset,omitzero"`
	IP              []string `json:"ip,omitempty"`
	Application     string   `json:"application,omitempty"`
	Platform        string   `json:"platform,omitempty"`
	PlatformVersion string   `json:"platform_version,omitempty"`
	Resource        resource `json:"resource,omitzero"`
}

type user struct {
	ProductObjectID string    `json:"product_object_id,omitempty"`
	UserID          string    `json:"userid,omitempty"`
	UserDisplayName string    `json:"user_display_name,omitempty"`
	FirstName       string    `json:"first_name,omitempty"`
	LastName        string    `json:"last_name,omitempty"`
	Attribute       attribute `json:"attribute,omitzero"`
	EmailAddresses  []string  `json:"email_addresses,omitempty"`
	EmployeeID      string    `json:"employee_id,omitempty"`
	Department      []string  `json:"department,omitempty"`
}

type asset struct {
	Hostname  string    `json:"hostname,omitempty"`
	IP        []string  `json:"ip,omitempty"`
	Attribute attribute `json:"attribute,omitzero"`
}

type resource struct {
	ID        string    `json:"id,omitempty"`
	Name      string    `json:"name,omitempty"`
	Attribute attribute `json:"attribute,omitzero"`
}

type attribute struct {
	Labels labels `json:"labels,omitempty"`
	Roles  []role `json:"roles,omitempty"`
}

type label struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type labels []label

type role struct {
	Name string `json:"name"`
}

type securityResult struct {
	DetectionFields labels `json:"detection_fields"`
}

type network struct {
	SessionID string `json:"session_id,omitempty"`
	TLS       tls    `json:"tls,omitzero"`
}

type tls struct {
	Cipher string `json:"cipher,omitempty"`
}

type extensions struct {
	Auth auth `json:"auth,omitzero"`
}

type auth struct {
	Type        string `json:"type,omitempty"`
	AuthDetails string `json:"auth_details,omitempty"`
}
