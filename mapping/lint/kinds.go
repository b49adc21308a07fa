package lint

// Kind is one kind of finding.
type Kind struct {
	ID       string // stable: it stands in lint:ignore comments
	Severity Severity
	Fixable  bool   // Fix repairs it, at least in its usual forms
	Summary  string // one line, lower case, no full stop
}

// The ids of the kinds.
const (
	idBadIgnore       = "bad-ignore"
	idConstant        = "constant-condition"
	idDeprecated      = "deprecated"
	idDuplicateLabel  = "duplicate-label"
	idDuplicateSource = "duplicate-source"
	idForbidden       = "forbidden-field"
	idLabelStyle      = "label-style"
	idLogin           = "login-without-type"
	idMatchAll        = "match-all"
	idMissingProduct  = "missing-product"
	idOverLimit       = "over-limit"
	idPathTypo        = "path-typo"
	idPlainPattern    = "plain-pattern"
	idPlatform        = "platform-mismatch"
	idRedundant       = "redundant-alternative"
	idRequired        = "required-field"
	idSlowPattern     = "slow-pattern"
	idSubstringTrap   = "substring-trap"
	idUnextractedIP   = "unextracted-ip"
	idUnguarded       = "unguarded-requirement"
	idUnreachable     = "unreachable-arm"
	idUnusableType    = "unusable-type"
	idUnusedCondition = "unused-condition"
	idUnusedIgnore    = "unused-ignore"
	idUnwritten       = "unwritten-field"
)

// CompileID is the id of findings that stand for faults of mapping.Compile; see
// FromErrors.
const CompileID = "compile"

// Kinds answers all kinds of finding, sorted by id.
func Kinds() []Kind {
	return []Kind{
		{idBadIgnore, Warning, false, "a lint:ignore comment without a reason, or with an unknown id"},
		{idConstant, Warning, false, "a condition that is always true or always false"},
		{idDeprecated, Warning, false, "a rule writes a deprecated UDM field or enum value"},
		{idDuplicateLabel, Warning, false, "two rules write labels with the same key to the same field"},
		{idDuplicateSource, Warning, true, "a source path stands twice in one list"},
		{idForbidden, Warning, false, "a rule writes a field that events should not have"},
		{idLabelStyle, Info, false, "a label's key is spelled in another style than most"},
		{idLogin, Warning, false, "an event can become a USER_LOGIN though nothing asks what happened"},
		{idMatchAll, Warning, false, "a pattern matches every text"},
		{idMissingProduct, Warning, false, "no rule writes the vendor's or the product's name"},
		{idOverLimit, Warning, false, "a fixed value breaks a limit or the format of its UDM field"},
		{idPathTypo, Info, false, "a source path is a letter away from one used more often"},
		{idPlainPattern, Info, true, "a pattern for one fixed text, which equals finds faster"},
		{idPlatform, Warning, false, "a match arm gives a well-known system the wrong platform"},
		{idRedundant, Info, true, "an alternative of a pattern that another one covers"},
		{idRequired, Error, false, "no rule can write a field that an event type requires"},
		{idSlowPattern, Info, true, "a pattern that is slower than it need be"},
		{idSubstringTrap, Warning, false, "a pattern also matches inside of words that mean something else"},
		{idUnextractedIP, Info, false, "a field for IP addresses takes a text as it stands"},
		{idUnguarded, Warning, false, "an event can get a type without a field that the type requires"},
		{idUnreachable, Warning, false, "an arm that earlier arms leave nothing to"},
		{idUnusableType, Error, false, "event_type names a type that a parser may not give"},
		{idUnusedCondition, Warning, true, "a named condition that nothing uses"},
		{idUnusedIgnore, Warning, true, "a lint:ignore comment that silences nothing"},
		{idUnwritten, Warning, false, "a condition asks for a UDM field that no rule writes"},
	}
}

// checks answers what looks for the kinds. The two kinds about lint:ignore come
// last, once all else is known.
func checks() []func(*linter) {
	return []func(*linter){
		(*linter).traps,
		(*linter).patterns,
		(*linter).matchArms,
		(*linter).conditions,
		(*linter).eventTypes,
		(*linter).fields,
		(*linter).fixedValues,
		(*linter).labels,
		(*linter).sources,
		(*linter).product,
	}
}

func severityOf(id string) Severity {
	if k, ok := kindOf(id); ok {
		return k.Severity
	}
	return Error
}

func kindOf(id string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.ID == id {
			return k, true
		}
	}
	return Kind{}, false
}
