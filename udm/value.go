package udm

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// scalar reads a value that is neither message nor free object.
func (v *Validator) scalar(i int, f *Field, watched uint8, depth int) (int, uint64, bool) {
	w := &watches[watched]
	switch v.peek(i) {
	case '"':
		return v.textValue(i, f, w)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return v.numberValue(i, f, w)
	case 't', 'f':
		if f.Kind == Bool {
			return v.skip(i, depth+1), w.bit, true
		}
	}
	v.reportType("wrong-type", f.typeName(), i)
	return v.skip(i, depth+1), w.bit, true
}

func (v *Validator) textValue(i int, f *Field, w *watch) (int, uint64, bool) {
	end, flags := v.text(i + 1)
	if end < 0 {
		return -1, 0, false
	}
	text := v.b[i+1 : end]
	if flags != 0 {
		text = v.unescaped(text)
	}
	bits, set := v.content(i, text, f, w)
	return end + 1, bits, set
}

// content checks the content of the string at i.
func (v *Validator) content(i int, text []byte, f *Field, w *watch) (bits uint64, set bool) {
	bits = w.bit
	switch f.Kind {
	case String:
		if len(text) == 0 {
			return 0, false
		}
		if f.Format != NoFormat || f.Limit != nil {
			v.checkText(text, f)
		}
		bits |= w.valueBit(text)
	case EnumKind:
		bits |= v.enumName(text, f, w)
	default:
		v.checkSpelled(i, text, f)
	}
	return bits, true
}

// valueBit returns the bit for a wanted value of a watched path.
func (w *watch) valueBit(text []byte) uint64 {
	for _, wanted := range w.values {
		if wanted.text == string(text) {
			return wanted.bit
		}
	}
	return 0
}

func (v *Validator) enumName(name []byte, f *Field, w *watch) uint64 {
	at := f.Enum().find(name)
	if at < 0 {
		v.unknownEnum(name, f.Enum())
		return 0
	}
	return v.enumValue(at, f, w)
}

func (v *Validator) enumValue(at int, f *Field, w *watch) uint64 {
	value := &f.Enum().Values[at]
	if value.Deprecated {
		v.report(Warning, "deprecated", "the value "+value.Name+" is deprecated")
	}
	if f.ref == eventTypeRef {
		v.eventType = at
	}
	for _, wanted := range w.values {
		if wanted.text == value.Name {
			return wanted.bit
		}
	}
	return 0
}

// checkSpelled checks a value that is written as a string but is none.
func (v *Validator) checkSpelled(i int, content []byte, f *Field) {
	switch f.Kind {
	case Timestamp:
		if fault := timestampFault(content); fault != "" {
			v.report(Error, "timestamp", quoted(content)+" is no RFC 3339 time: "+fault)
		}
	case Duration:
		if !isDuration(content) {
			v.report(Error, "wrong-type", quoted(content)+` is no duration such as "3.5s"`)
		}
	case Bytes:
		if !isBase64(content) {
			v.report(Error, "wrong-type", quoted(content)+" is no base64")
		}
	case Int32, Int64, Uint32, Uint64, Float, Double:
		v.checkNumericText(content, f)
	default:
		v.reportType("wrong-type", f.typeName(), i)
	}
}

func (v *Validator) checkNumericText(content []byte, f *Field) {
	if f.Kind == Float || f.Kind == Double {
		switch string(content) {
		case "NaN", "Infinity", "-Infinity":
			return
		}
	}
	inner := scanner{b: content}
	if inner.number(0) != len(content) {
		v.report(Error, "wrong-type", "want "+f.typeName()+", got "+quoted(content))
		return
	}
	v.checkNumeral(content, f)
}

func (v *Validator) numberValue(i int, f *Field, w *watch) (int, uint64, bool) {
	end := v.number(i)
	if end < 0 {
		return -1, 0, false
	}
	bits := w.bit
	switch f.Kind {
	case Int32, Int64, Uint32, Uint64, Float, Double:
		v.checkNumeral(v.b[i:end], f)
	case EnumKind:
		bits |= v.enumNumber(v.b[i:end], f, w)
	default:
		v.reportType("wrong-type", f.typeName(), i)
	}
	return end, bits, true
}

func (v *Validator) enumNumber(token []byte, f *Field, w *watch) uint64 {
	n, ok := parseInteger(token)
	if !ok || !n.fits(Int32) {
		v.report(Error, "wrong-type", "want "+f.typeName()+", got "+string(clip(token)))
		return 0
	}
	at := f.Enum().findNumber(int32(n.value()))
	if at < 0 {
		v.report(Warning, "enum-value", f.Enum().Name+" has no value with the number "+string(clip(token)))
		return 0
	}
	return v.enumValue(at, f, w)
}

func (v *Validator) checkNumeral(token []byte, f *Field) {
	if f.Kind == Float || f.Kind == Double {
		v.checkFloat(token, f)
		return
	}
	n, ok := parseInteger(token)
	switch {
	case !ok:
		v.report(Error, "wrong-type", "want "+f.typeName()+", got "+quoted(token))
	case !n.fits(f.Kind):
		v.report(Error, "wrong-type", quoted(token)+" does not fit "+f.Kind.String())
	case f.Limit != nil && f.Limit.Range:
		v.checkRange(n.value(), f)
	}
}

// checkFloat parses only what is not plainly in range of either size.
func (v *Validator) checkFloat(token []byte, f *Field) {
	ranged := f.Limit != nil && f.Limit.Range
	if !ranged && len(token) < 30 && !hasExponent(token) {
		return
	}
	size := 64
	if f.Kind == Float {
		size = 32
	}
	value, err := strconv.ParseFloat(string(token), size)
	switch {
	case err != nil || math.IsInf(value, 0):
		v.report(Error, "wrong-type", quoted(token)+" does not fit "+f.Kind.String())
	case ranged:
		v.checkRange(value, f)
	}
}

func (v *Validator) checkRange(value float64, f *Field) {
	if value < f.Limit.Min || value > f.Limit.Max {
		v.report(Warning, "limit", fmt.Sprintf("%v is outside %v to %v", value, f.Limit.Min, f.Limit.Max))
	}
}

// checkText checks a string that is not empty against its limits and format.
func (v *Validator) checkText(content []byte, f *Field) {
	if l := f.Limit; l != nil {
		switch {
		case l.MaxBytes > 0 && len(content) > l.MaxBytes:
			v.report(Warning, "limit", fmt.Sprintf("%d bytes are more than %d", len(content), l.MaxBytes))
		case l.MaxChars > 0 && len(content) > l.MaxChars && utf8.RuneCount(content) > l.MaxChars:
			v.report(Warning, "limit", fmt.Sprintf("%d characters are more than %d", utf8.RuneCount(content), l.MaxChars))
		case l.VendorID && !l.isVendorID(content):
			v.report(Warning, "limit", quoted(content)+" is not of the form vendor:id"+l.vendorSizes())
		}
	}
	if f.Format != NoFormat && !f.Format.Matches(content) {
		v.report(Warning, "format", quoted(content)+" does not look like "+f.Format.article())
	}
}

// checkOneIfPort reports the fields with several items beside a port.
func (v *Validator) checkOneIfPort(o *openObject) {
	port := o.message.Field("port")
	if port == nil || o.set>>port.Index&1 == 0 {
		return
	}
	for i := range o.message.Fields {
		if o.many>>i&1 != 0 {
			v.reportUnder(&o.message.Fields[i], Warning, "limit", "more than one item, though port is set")
		}
	}
}

// checkOneof reports f if another field of its group has been set before.
func (v *Validator) checkOneof(f *Field, o *openObject) {
	for i := range o.message.Fields {
		other := &o.message.Fields[i]
		if other != f && other.Oneof == f.Oneof && o.set>>i&1 != 0 {
			v.reportUnder(f, Error, "oneof", "only one of "+f.Oneof+" may be set, and "+other.Name+" is")
			return
		}
	}
}

func (v *Validator) unknownField(m *Message, key []byte) {
	if v.counts[Warning] >= maxViolations {
		return
	}
	message := m.Name + " has no field " + quoted(key)
	names := make([]string, len(m.Fields))
	for i := range m.Fields {
		names[i] = m.Fields[i].Name
	}
	v.steps = append(v.steps, step{index: -1, key: string(clip(key))})
	v.report(Warning, "unknown-field", message+didYouMean(string(key), names))
	v.pop()
}

func (v *Validator) unknownEnum(name []byte, e *Enum) {
	if v.counts[Error] >= maxViolations {
		return
	}
	names := make([]string, len(e.Values))
	for i := range e.Values {
		names[i] = e.Values[i].Name
	}
	v.report(Error, "enum-value", e.Name+" has no value "+quoted(name)+didYouMean(string(name), names))
}

// reportType reports a value of the wrong JSON type at i.
func (v *Validator) reportType(code, want string, i int) {
	v.report(Error, code, "want "+want+", got "+jsonKind(v.peek(i)))
}

func didYouMean(name string, known []string) string {
	near := Nearest(name, known)
	if len(near) == 0 {
		return ""
	}
	return " (did you mean " + near[0] + "?)"
}

// typeName names the type of one value of f.
func (f *Field) typeName() string {
	switch f.Kind {
	case EnumKind:
		return "a value of " + f.Enum().Name
	case MessageKind, Map, Struct:
		return "objects"
	}
	return f.Kind.String()
}

func jsonKind(first byte) string {
	switch first {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// maxQuoted is how much of a value a message repeats.
const maxQuoted = 60

func quoted(text []byte) string {
	if len(text) > maxQuoted {
		return strconv.Quote(string(clip(text))) + "..."
	}
	return strconv.Quote(string(text))
}

func clip(text []byte) []byte {
	if len(text) <= maxQuoted {
		return text
	}
	n := maxQuoted
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
