package check

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// arity is how many arguments a function takes; most is -1 for any number.
type arity struct{ least, most int }

// arities are those of the functions, a line for each arity. What is in no line is
// not counted.
var arities = arityTable(`
0 0 timestamp uuid
1 1 abs abspath alltrue anytrue base64decode base64encode base64gzip base64sha256 base64sha512 basename can ceil
1 1 chomp cidrnetmask compact csvdecode dirname distinct file filebase64 filebase64sha256 filebase64sha512
1 1 fileexists filemd5 filesha1 filesha256 filesha512 flatten floor jsondecode jsonencode keys length lower md5
1 1 nonsensitive one pathexpand reverse sensitive sha1 sha256 sha512 signum sort strrev sum title tobool tolist
1 1 tomap tonumber toset tostring transpose trimspace type upper urlencode values yamldecode yamlencode
1 2 bcrypt
2 2 chunklist cidrhost contains element endswith fileset formatdate indent index log parseint pow regex regexall
2 2 rsadecrypt setsubtract split startswith templatefile textdecodebase64 textencodebase64 timeadd timecmp trim
2 2 trimprefix trimsuffix uuidv5 zipmap
3 3 cidrsubnet matchkeys replace slice substr
2 3 lookup
1 3 range
1 -1 cidrsubnets format formatlist max min setintersection setunion try
2 -1 join setproduct
`)

func arityTable(text string) map[string]arity {
	all := map[string]arity{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		fields := strings.Fields(line)
		least, _ := strconv.Atoi(fields[0]) // the table is above
		most, _ := strconv.Atoi(fields[1])
		for _, name := range fields[2:] {
			all[name] = arity{least, most}
		}
	}
	return all
}

// checkArguments counts the arguments of a call, unless a list with ... stands for
// some of them.
func (m *module) checkArguments(n *hclsyntax.FunctionCallExpr) {
	want, ok := arities[n.Name]
	got := len(n.Args)
	switch {
	case !ok || n.ExpandFinal:
	case got < want.least:
		m.report(n.Range(), "%s has %d arguments, want %d or more", n.Name, got, want.least)
	case want.most >= 0 && got > want.most:
		m.report(n.Range(), "%s has %d arguments, want %d at most", n.Name, got, want.most)
	}
}
