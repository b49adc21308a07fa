package main

import "github.com/spf13/cobra"

func newRootCommand(u *ui) *cobra.Command {
	root := &cobra.Command{
		Use:           "asa2udm",
		Short:         "Turn Okta Advanced Server Access audit events into Google SecOps UDM",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newVersionCommand(u))
	return root
}
