package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// cloud is what a stand-in for gcloud keeps between its calls: enough of Google
// Cloud to notice what is made twice, too early, or of nothing. The real script
// runs against it.
type cloud struct {
	APIs     map[string]bool              `json:"apis"`
	Things   map[string]map[string]string `json:"things"`   // flags by "kind name"
	Bindings map[string]bool              `json:"bindings"` // "kind name role member"
	Secrets  map[string][]string          `json:"secrets"`  // values by secret
}

// call is one of the stand-in's, as it notes it.
type call struct {
	Args    []string
	Changes bool
}

// apiOf is the API that a group of commands needs.
var apiOf = map[string]string{
	"run jobs": "run", "run services": "run", "scheduler jobs": "cloudscheduler", "iam service-accounts": "iam", "iam roles": "iam",
	"pubsub topics": "pubsub", "pubsub subscriptions": "pubsub", "secrets": "secretmanager", "secrets versions": "secretmanager",
	"storage buckets": "storage", "logging metrics": "logging", "alpha monitoring policies": "monitoring",
	"artifacts repositories": "artifactregistry", "artifacts docker images": "artifactregistry", "builds": "cloudbuild",
}

// gcloudMain is the stand-in: this test's own binary under the name gcloud.
func gcloudMain() int {
	dir := os.Getenv("FAKE_CLOUD")
	c := &cloud{APIs: map[string]bool{}, Things: map[string]map[string]string{}, Bindings: map[string]bool{}, Secrets: map[string][]string{}}
	if data, err := os.ReadFile(filepath.Join(dir, "state.json")); err == nil {
		if err := json.Unmarshal(data, c); err != nil {
			return fail(err)
		}
	}
	cmd := parseCommand(os.Args[1:])
	if unread := os.Getenv("FAKE_UNREADABLE"); unread != "" && cmd.kind+" "+cmd.verb == unread {
		return fail(fmt.Errorf("injected: PERMISSION_DENIED"))
	}
	n, err := note(dir, cmd)
	if err != nil {
		return fail(err)
	}
	if cmd.changes && os.Getenv("FAKE_FAIL_BEFORE") == strconv.Itoa(n) {
		return fail(fmt.Errorf("injected: UNAVAILABLE"))
	}
	if err := c.do(cmd); err != nil {
		return fail(err)
	}
	failed := cmd.changes && os.Getenv("FAKE_FAIL_AFTER") == strconv.Itoa(n)
	// A revision that does not start leaves the service as it was asked for, and so does a job without its image.
	if failed && (cmd.kind == "run services" || cmd.kind == "run jobs") && cmd.verb != "add-iam-policy-binding" {
		c.Things[cmd.key()]["unready"] = "yes"
	}
	data, err := json.MarshalIndent(c, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "state.json"), data, 0o666)
	}
	if failed {
		err = fmt.Errorf("injected: DEADLINE_EXCEEDED")
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "ERROR: (gcloud)", err)
	return 1
}

// note logs a call, and answers the how manieth change it is.
func note(dir string, cmd command) (int, error) {
	f, err := os.OpenFile(filepath.Join(dir, "calls"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o666)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	line, err := json.Marshal(call{os.Args[1:], cmd.changes})
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintf(f, "%s\n", line); err != nil {
		return 0, err
	}
	n := 0
	for _, c := range readCalls(dir) {
		if c.Changes {
			n++
		}
	}
	return n, nil
}

func readCalls(dir string) (all []call) {
	f, err := os.Open(filepath.Join(dir, "calls"))
	if err != nil {
		return nil
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c call
		if json.Unmarshal(lines.Bytes(), &c) == nil {
			all = append(all, c)
		}
	}
	return all
}

// command is a call taken apart: gcloud KIND VERB NAME... --flag=value.
type command struct {
	kind, verb string
	names      []string
	flags      map[string]string
	changes    bool
}

var verbs = map[string]bool{ // and whether they change something
	"describe": false, "list": false, "get-iam-policy": false,
	"create": true, "update": true, "deploy": true, "enable": true, "add": true, "submit": true, "delete": true, "add-iam-policy-binding": true, "remove-iam-policy-binding": true,
}

func parseCommand(args []string) command {
	c := command{flags: map[string]string{}}
	var kind []string
	for _, a := range args {
		flag, value, _ := strings.Cut(a, "=")
		_, isVerb := verbs[a]
		switch {
		case strings.HasPrefix(a, "--"):
			c.flags[flag] = value
		case c.verb == "" && isVerb:
			c.verb, c.changes = a, verbs[a]
		case c.verb == "":
			kind = append(kind, a)
		default:
			c.names = append(c.names, a)
		}
	}
	c.kind = strings.Join(kind, " ")
	if c.kind == "run" && c.verb == "deploy" {
		c.kind = "run services"
	}
	if c.kind == "scheduler jobs" && (c.verb == "create" || c.verb == "update") {
		c.flags["kind"], c.names = c.names[0], c.names[1:]
	}
	return c
}

func (c command) key() string {
	if len(c.names) == 0 {
		return c.kind
	}
	name := c.names[0]
	// An account is made by its first part, and named by its address after that.
	if c.kind == "iam service-accounts" && !strings.Contains(name, "@") {
		name += "@" + c.flags["--project"] + ".iam.gserviceaccount.com"
	}
	return c.kind + " " + name
}

func (c *cloud) do(cmd command) error {
	if cmd.flags["--project"] == "" && cmd.kind != "projects" {
		return fmt.Errorf("INVALID_ARGUMENT: %s %s without --project", cmd.kind, cmd.verb)
	}
	if api := apiOf[cmd.kind]; api == "" && cmd.kind != "projects" && cmd.kind != "services" {
		return fmt.Errorf("INVALID_ARGUMENT: no commands %q", cmd.kind)
	} else if api != "" && !c.APIs[api+".googleapis.com"] {
		return fmt.Errorf("PERMISSION_DENIED: API %s is not enabled", api)
	}
	switch cmd.verb {
	case "enable":
		for _, name := range cmd.names {
			c.APIs[name] = true
		}
		return nil
	case "describe", "list":
		return c.describe(cmd)
	case "get-iam-policy":
		return c.policy(cmd)
	case "add-iam-policy-binding":
		return c.bind(cmd)
	case "remove-iam-policy-binding":
		delete(c.Bindings, cmd.key()+" "+cmd.flags["--role"]+" "+cmd.flags["--member"])
		return nil
	case "add":
		return c.addSecret(cmd)
	case "submit":
		return c.make(command{kind: "artifacts docker images", names: []string{between(cmd.flags["--substitutions"], "_IMAGE=", ",")}, flags: cmd.flags})
	case "create":
		return c.make(cmd)
	case "update", "deploy":
		return c.change(cmd)
	case "delete":
		return c.remove(cmd)
	}
	return fmt.Errorf("INVALID_ARGUMENT: %s", cmd.verb)
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// make makes a thing that is not there, of things that are.
func (c *cloud) make(cmd command) error {
	key := cmd.key()
	if cmd.kind == "alpha monitoring policies" {
		name := between(cmd.flags["--policy"], `"displayName": "`, `"`)
		key = cmd.kind + " projects/" + cmd.flags["--project"] + "/alertPolicies/" + strings.ReplaceAll(name, " ", "-")
	}
	if c.Things[key] != nil {
		return fmt.Errorf("ALREADY_EXISTS: %s", key)
	}
	if err := c.refers(cmd.flags); err != nil {
		return err
	}
	if err := readStdin(cmd.flags); err != nil {
		return err
	}
	c.Things[key] = cmd.flags
	return nil
}

// change changes what is there; deploy makes it, too.
func (c *cloud) change(cmd command) error {
	thing := c.Things[cmd.key()]
	if thing == nil && cmd.verb == "deploy" {
		return c.make(cmd)
	}
	if thing == nil {
		return fmt.Errorf("NOT_FOUND: %s", cmd.key())
	}
	if was := thing["kind"]; was != cmd.flags["kind"] {
		return fmt.Errorf("INVALID_ARGUMENT: %s is of kind %s, not %s", cmd.key(), was, cmd.flags["kind"])
	}
	if err := c.refers(cmd.flags); err != nil {
		return err
	}
	if err := readStdin(cmd.flags); err != nil {
		return err
	}
	maps.Copy(thing, cmd.flags)
	delete(thing, "unready")
	return nil
}

// remove removes what is there. Without --quiet, gcloud would ask whether that is meant.
func (c *cloud) remove(cmd command) error {
	_, quiet := cmd.flags["--quiet"]
	switch {
	case c.Things[cmd.key()] == nil:
		return fmt.Errorf("NOT_FOUND: %s", cmd.key())
	case !quiet:
		return fmt.Errorf("INVALID_ARGUMENT: a prompt before %s is deleted", cmd.key())
	}
	delete(c.Things, cmd.key())
	maps.DeleteFunc(c.Bindings, func(binding string, _ bool) bool { return strings.HasPrefix(binding, cmd.key()+" ") })
	return nil
}

// refers checks that what flags name is there.
func (c *cloud) refers(flags map[string]string) error {
	for flag, kind := range map[string]string{
		"--service-account": "iam service-accounts", "--oauth-service-account-email": "iam service-accounts",
		"--push-auth-service-account": "iam service-accounts", "--topic": "pubsub topics", "--dead-letter-topic": "pubsub topics",
	} {
		name := flags[flag]
		name = name[strings.LastIndex(name, "/")+1:]
		if name != "" && c.Things[kind+" "+name] == nil {
			return fmt.Errorf("NOT_FOUND: %s %s, of %s", kind, name, flag)
		}
	}
	return nil
}

// readStdin reads what a flag leads to.
func readStdin(flags map[string]string) error {
	for name, value := range flags {
		if value != "/dev/stdin" {
			continue
		}
		data, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		if !json.Valid(data) {
			return fmt.Errorf("INVALID_ARGUMENT: %s is no JSON: %s", name, data)
		}
		flags[name] = string(data)
	}
	if policy, ok := flags["--policy"]; ok && !json.Valid([]byte(policy)) {
		return fmt.Errorf("INVALID_ARGUMENT: --policy is no JSON: %s", policy)
	}
	return nil
}

func (c *cloud) bind(cmd command) error {
	member := cmd.flags["--member"]
	account, own := strings.CutPrefix(member, "serviceAccount:")
	own = own && strings.HasSuffix(account, "@example-logs.iam.gserviceaccount.com")
	switch {
	case cmd.kind != "projects" && c.Things[cmd.key()] == nil:
		return fmt.Errorf("NOT_FOUND: %s", cmd.key())
	case cmd.kind == "projects" && cmd.flags["--condition"] != "None":
		return fmt.Errorf("INVALID_ARGUMENT: a prompt for a condition")
	case own && c.Things["iam service-accounts "+account] == nil:
		return fmt.Errorf("INVALID_ARGUMENT: service account %s does not exist", account)
	}
	c.Bindings[cmd.key()+" "+cmd.flags["--role"]+" "+member] = true
	return nil
}

func (c *cloud) policy(cmd command) error {
	if cmd.kind != "projects" && c.Things[cmd.key()] == nil {
		return fmt.Errorf("NOT_FOUND: %s", cmd.key())
	}
	for binding := range c.Bindings {
		if rest, ok := strings.CutPrefix(binding, cmd.key()+" "); ok {
			fmt.Fprintln(os.Stdout, strings.Replace(rest, " ", "\t", 1))
		}
	}
	return nil
}

func (c *cloud) addSecret(cmd command) error {
	name := cmd.names[0]
	if c.Things["secrets "+name] == nil {
		return fmt.Errorf("NOT_FOUND: secret %s", name)
	}
	value, err := io.ReadAll(os.Stdin)
	c.Secrets[name] = append(c.Secrets[name], string(value))
	return err
}

// describe prints the fields that a format asks for.
func (c *cloud) describe(cmd command) error {
	fields := strings.Split(strings.TrimSuffix(strings.TrimPrefix(cmd.flags["--format"], "value("), ")"), ",")
	switch cmd.kind {
	case "services":
		for name := range c.APIs {
			fmt.Fprintln(os.Stdout, name)
		}
		return nil
	case "projects":
		fmt.Fprintln(os.Stdout, "123456789012")
		return nil
	case "secrets versions":
		if n := len(c.Secrets[cmd.names[0]]); n > 0 {
			fmt.Fprintln(os.Stdout, n)
		}
		return nil
	}
	if cmd.kind == "storage buckets" && cmd.verb == "list" {
		name := strings.TrimPrefix(cmd.flags["--filter"], "name=")
		if thing := c.Things["storage buckets gs://"+name]; thing != nil && thing["--project"] == cmd.flags["--project"] {
			fmt.Fprintln(os.Stdout, name)
		}
		return nil
	}
	if cmd.verb == "list" {
		return c.listPolicies(cmd, fields)
	}
	thing := c.Things[cmd.key()]
	if thing == nil {
		return fmt.Errorf("NOT_FOUND: %s", cmd.key())
	}
	printFields(cmd.names[0], thing, fields)
	return nil
}

func (c *cloud) listPolicies(cmd command, fields []string) error {
	title, err := strconv.Unquote(strings.TrimPrefix(cmd.flags["--filter"], "displayName="))
	if err != nil {
		return err
	}
	for key, thing := range c.Things {
		if strings.HasPrefix(key, cmd.kind+" ") && between(thing["--policy"], `"displayName": "`, `"`) == title {
			printFields(strings.TrimPrefix(key, cmd.kind+" "), thing, fields)
		}
	}
	return nil
}

func printFields(name string, thing map[string]string, fields []string) {
	values := make([]string, len(fields))
	ready, isReady := name+"-00001", "True"
	if thing["unready"] != "" {
		ready, isReady = "", "False"
	}
	for i, f := range fields {
		labels := thing["--update-labels"]
		if labels == "" {
			labels = thing["--labels"]
		}
		var config struct{ Description string }
		_ = json.Unmarshal([]byte(thing["--config-from-file"]), &config) // there is none
		values[i] = map[string]string{
			"status.latestCreatedRevisionName": name + "-00001", "status.latestReadyRevisionName": ready,
			"status.conditions.type": "Ready", "status.conditions.status": isReady, "metadata.generation": "1", "status.observedGeneration": "1",
			"httpTarget.uri": thing["--uri"], "pubsubTarget.topicName": thing["--topic"],
			"name": name, "metadata.name": name, "status.url": "https://" + name + "-x.a.run.app",
			"labels.setup": strings.TrimPrefix(labels, "setup="), "metadata.labels.setup": strings.TrimPrefix(labels, "setup="),
			"userLabels.setup": between(thing["--policy"], `"setup": "`, `"`),
			"description":      config.Description + thing["--description"],
		}[f]
	}
	if !slices.Equal(fields, []string{""}) {
		fmt.Fprintln(os.Stdout, strings.Join(values, "\t"))
	}
}
