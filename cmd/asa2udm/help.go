package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/asa2udm/asa2udm/udm"
)

// helpNote is the annotation of a command whose text stands behind its flags.
const helpNote = "note"

// setHelp gives all commands below root their help and their way to refuse flags.
func setHelp(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd.OutOrStdout(), cmd) })
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
}

// writeHelp shows a command: what it does, how it is called, its commands or its
// flags, and an example at the end. A test holds each to one screen.
func writeHelp(w io.Writer, cmd *cobra.Command) {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	if cmd.HasAvailableSubCommands() {
		// There are as many commands as fit a screen, so that this takes one line.
		fmt.Fprintf(&b, "%s\n\nUsage: %s, %s COMMAND [flags] ...\n\nCommands:\n", about, cmd.UseLine(), cmd.CommandPath())
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-10s %s\n", c.Name(), c.Short)
			}
		}
	} else {
		fmt.Fprintf(&b, "%s\n\nUsage:\n  %s\n", about, cmd.UseLine())
		writeFlags(&b, cmd.Flags())
	}
	if note := cmd.Annotations[helpNote]; note != "" {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExample:\n%s\n", cmd.Example)
	}
	fmt.Fprint(w, b.String())
}

// writeFlags lists the flags but for --help, which has just been used.
func writeFlags(b *strings.Builder, set *pflag.FlagSet) {
	var names, usages []string
	width := 0
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name, usage := flagUsage(f)
		names, usages = append(names, name), append(usages, usage)
		width = max(width, len(name))
	})
	if len(names) > 0 {
		fmt.Fprint(b, "\nFlags:\n")
	}
	for i, name := range names {
		fmt.Fprintf(b, "  %-*s  %s\n", width, name, usages[i])
	}
}

// flagUsage answers a flag as it is written and what it is for.
func flagUsage(f *pflag.Flag) (name, usage string) {
	value, usage := pflag.UnquoteUsage(f)
	name = "    --" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", --" + f.Name
	}
	switch {
	case f.NoOptDefVal != "" && value != "":
		name += "[=" + value + "]"
	case value != "":
		name += " " + value
	}
	if !slices.Contains([]string{"", "-", "0", "0s", "-1", "false", "[]"}, f.DefValue) {
		usage += " [" + f.DefValue + "]"
	}
	return name, usage
}

// flagError says what is wrong with a flag, and which one may be meant.
func flagError(cmd *cobra.Command, err error) error {
	help := cmd.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return hinted(err, "%s", help)
	}
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return hinted(fmt.Errorf("unknown flag -%s", name), "%s", help)
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if near := udm.Nearest(name, known); len(near) > 0 {
		help = fmt.Sprintf("did you mean --%s?", near[0])
	}
	return hinted(fmt.Errorf("unknown flag --%s", name), "%s", help)
}

// alternatives writes words as a choice: "a or b", "a, b or c".
func alternatives(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
