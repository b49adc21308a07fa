package draft

import (
	"strconv"
	"strings"

	"github.com/asa2udm/asa2udm/rulefmt"
	"github.com/asa2udm/asa2udm/udm"
)

// proposal is a rule that may be right, for one or more places.
type proposal struct {
	places  []*place
	targets []string
	extra   rewrite
	use     string // a block instead of all that
}

// lines answers the rule as it is written in a rule file.
func (r *proposal) lines() []string {
	if r.use != "" {
		return []string{"- {each: " + rulefmt.Quote(r.places[0].path) + ", to: about, use: " + rulefmt.Quote(r.use) + "}"}
	}
	from, to := "from: "+sources(r.places), "to: "+several(r.targets)
	switch r.extra {
	case findIP:
		return []string{"- {" + from + ", extract: ip, " + to + "}"}
	case findVersion:
		return []string{"- {" + from + ", extract: version, " + to + "}"}
	case asIs:
		return []string{"- {" + from + ", " + to + "}"}
	}
	lines := []string{"- " + from, "  match:"}
	for _, a := range arms[r.extra] {
		lines = append(lines, "    - {regex: '"+a.pattern+"', value: "+a.value+"}")
	}
	return append(lines, "  "+to)
}

func sources(places []*place) string {
	var paths []string
	for _, p := range places {
		paths = append(paths, rulefmt.Quote(p.path))
	}
	return several(paths)
}

// several writes one text as it is and several as a list.
func several(texts []string) string {
	if len(texts) == 1 {
		return texts[0]
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// matchArm is a pattern and the name of an enum that stands for what it finds.
type matchArm struct{ pattern, value string }

// arms lead from the usual words to the names of an enum.
var arms = map[rewrite][]matchArm{
	toPlatform: {
		{`(?i)\bwin(dows)?(\b|[0-9_])`, "WINDOWS"},
		{`(?i)\b(linux|ubuntu|debian|centos|red ?hat|fedora|suse)(\b|[0-9_])`, "LINUX"},
		{`(?i)\b(mac|macos|osx|os x|darwin|ios|ipados)(\b|[0-9_])`, "MAC"},
		{`(?i)\bandroid(\b|[0-9_])`, "ANDROID"},
		{`(?i)\b(chrome ?os|cros)\b`, "CHROME_OS"},
	},
	toSeverity: {
		{`(?i)^(crit|fatal|emerg|alert|severe)`, "CRITICAL"},
		{`(?i)^(high|err)`, "HIGH"},
		{`(?i)^(med|moderate|warn)`, "MEDIUM"},
		{`(?i)^low`, "LOW"},
		{`(?i)^(info|notice|debug)`, "INFORMATIONAL"},
	},
	toAction: {
		{`(?i)^(allow|success|succeed|accept|permit|pass|grant|ok$)`, "ALLOW"},
		{`(?i)^(block|den(y|ied)|drop|reject|refuse)`, "BLOCK"},
		{`(?i)^(fail|error|invalid)`, "FAIL"},
		{`(?i)^challenge`, "CHALLENGE"},
	},
	toProtocol: {
		{`(?i)^https\b`, "HTTPS"},
		{`(?i)^http\b`, "HTTP"},
		{`(?i)^ssh\b`, "SSH"},
		{`(?i)^rdp\b`, "RDP"},
		{`(?i)^dns\b`, "DNS"},
		{`(?i)^ftp\b`, "FTP"},
		{`(?i)^smtp\b`, "SMTP"},
		{`(?i)^smb\b`, "SMB"},
	},
}

// proposals finds a rule for each place that has a clue. Places for one
// single-valued field share a rule, so that all of them may be taken at once.
type proposals struct {
	inBlock bool
	skip    map[string]bool // paths that no rule should read
	byPlace map[*place]*proposal
	byField map[string]*proposal // single-valued fields that have a rule
	blocks  []*block
	names   map[string]bool // of blocks
}

// block is a proposed block, for the elements of a list.
type block struct {
	name string
	list *place
	proposals
}

func newProposals(inBlock bool) proposals {
	return proposals{inBlock: inBlock, byPlace: map[*place]*proposal{}, byField: map[string]*proposal{}, names: map[string]bool{}}
}

// find looks at all places below p.
func (ps *proposals) find(p *place) {
	for _, m := range p.members {
		switch {
		case m.path == "" || ps.skip[m.path]:
			continue
		case m.element != nil && m.counts[list] > 0 && m.element.counts[object] > 0:
			ps.addBlock(m)
		default:
			ps.add(m)
		}
		ps.find(m)
	}
}

// add proposes a rule for a place of texts, or of a list of texts.
func (ps *proposals) add(p *place) {
	values := p
	if p.scalars() == 0 && p.element != nil {
		values = p.element
	}
	c, ok := clueOf(values, ps.inBlock)
	if !ok {
		return
	}
	targets := c.targets(p, ps.inBlock)
	r := &proposal{places: []*place{p}, targets: targets, extra: c.extra}
	ps.byPlace[p] = r
	if !single(targets[0], ps.inBlock) {
		return
	}
	known := ps.byField[targets[0]]
	switch {
	case values != p:
		// A list has no single text; what to take of it is not for us to guess.
		delete(ps.byPlace, p)
	case known == nil:
		ps.byField[targets[0]] = r
	case len(known.places) < maxSources:
		ps.byPlace[p] = known
		known.places = append(known.places, p)
	default:
		delete(ps.byPlace, p)
	}
}

// maxSources is how many places share a rule. The first that has a value wins, so
// more of them say little.
const maxSources = 4

// single reports whether a UDM path holds one value. A path through a repeated
// message means one shared element.
func single(path string, inBlock bool) bool {
	find := udm.Lookup
	if inBlock {
		find = noun().Lookup
	}
	steps, err := find(path)
	return err == nil && !steps.Leaf().Repeated
}

// noun is the message that the elements of about are.
func noun() *udm.Message { return udm.Event().Field("about").Message() }

// addBlock proposes a block for a list of objects. Lists within are left to the
// reader.
func (ps *proposals) addBlock(p *place) {
	if ps.inBlock {
		return
	}
	b := &block{name: ps.blockName(p), list: p, proposals: newProposals(true)}
	b.find(p.element)
	if len(b.byPlace) == 0 {
		return
	}
	ps.blocks = append(ps.blocks, b)
	ps.byPlace[p] = &proposal{places: []*place{p}, use: b.name}
}

// blockName names a block after its list.
func (ps *proposals) blockName(p *place) string {
	name := strings.Join(wordsOf(p.key), "_")
	if name == "" {
		name = "element"
	}
	unique := name
	for i := 2; ps.names[unique]; i++ {
		unique = name + "_" + strconv.Itoa(i)
	}
	ps.names[unique] = true
	return unique
}
