package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/asa2udm/asa2udm/udm"
)

func newRootCommand(u *ui) *cobra.Command {
	f := &mapFlags{}
	root := &cobra.Command{
		Use:                   "asa2udm [map] [flags] [FILE...]",
		Short:                 "Turn Okta Advanced Server Access audit events into Google SecOps UDM",
		Long:                  `Turns Okta Advanced Server Access audit events into Google SecOps UDM events.`,
		Example:               `  $ asa2udm check my.yaml && asa2udm --rules my.yaml audit.ndjson | head -1`,
		Args:                  cobra.ArbitraryArgs,
		SilenceUsage:          true,
		SilenceErrors:         true,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && isTerminal(u.stdin) && cmd.Flags().NFlag() == 0 {
				return cmd.Help()
			}
			return commandHint(cmd, args, runMap(cmd.Context(), u, f, args))
		},
	}
	f.register(root.Flags())
	root.Flags().VisitAll(func(flag *pflag.Flag) { flag.Hidden = true })
	setHelp(root)
	root.AddCommand(
		newMapCommand(u),
		newExplainCommand(u),
		newCoverageCommand(u),
		newDiffCommand(u),
		newCheckCommand(u),
		newTestCommand(u),
		newFmtCommand(u),
		newInitCommand(u),
		newValidateCommand(u),
		newSchemaCommand(u),
		newCollectCommand(u),
		newServeCommand(u),
		newVerifyCommand(u),
		newResendCommand(u),
		newSimulateCommand(u),
		newVersionCommand(u),
	)
	return root
}

// commandHint adds to the error about a missing file that its name is nearly a
// command's.
func commandHint(cmd *cobra.Command, args []string, err error) error {
	if len(args) == 0 || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, statErr := os.Lstat(args[0]); statErr == nil {
		return err
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	if near := udm.Nearest(args[0], names); len(near) > 0 {
		return hinted(err, "did you mean the command %q?", near[0])
	}
	return err
}
