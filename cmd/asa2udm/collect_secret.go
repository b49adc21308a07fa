package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/asa2udm/asa2udm/collector/secret"
)

// secrets answers what follows references. SECRET_MANAGER_ENDPOINT leads to a
// private endpoint of Secret Manager, or to an emulator.
func (f *collectFlags) secrets() *secret.Resolver {
	return &secret.Resolver{Environment: f.environment, Manager: secret.Client{Endpoint: f.environment("SECRET_MANAGER_ENDPOINT")}}
}

// keySecret notes where the secret of the API key is, or the secret itself. The
// variable holds one or the other; no secret of ASA begins like a reference.
func (f *collectFlags) keySecret(s *collectSettings) (err error) {
	text := f.environment("ASA_KEY_SECRET")
	switch {
	case f.keySecretFile != "":
		s.keySecret.From, err = secret.ParseFile(f.keySecretFile)
		return wrapped("--key-secret-file", err)
	case strings.HasPrefix(text, "sm://"):
		s.keySecret.From, err = secret.Parse(text)
		return wrapped("ASA_KEY_SECRET", err)
	}
	s.keySecret.Value = text
	return nil
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// readSecret follows the reference of the API key's secret, if it has one.
func (s *collectSettings) readSecret(ctx context.Context) (err error) {
	if s.keySecret.From == (secret.Reference{}) {
		return nil
	}
	if s.keySecret, err = s.secrets.Text(ctx, s.keySecret.From); err != nil && ctx.Err() == nil {
		return hinted(fmt.Errorf("read the key's secret: %w", err), "%s", secretHint(err))
	}
	return err
}

// secretHint is for what keeps a secret from being read. Most errors of package
// secret say what to do by themselves; where a secret was refused and could not be
// read again, that stands behind the refusal, which is not what is to be cured.
func secretHint(err error) string {
	var again *secret.RenewalError
	renewing := errors.As(err, &again)
	switch {
	case errors.Is(err, secret.ErrDamaged):
		return "look for a proxy between here and Secret Manager, and at SECRET_MANAGER_ENDPOINT"
	case renewing && again.From.Kind == secret.Manager:
		return fmt.Sprintf("what was read of %s before is refused, and it cannot be read again: grant the account that runs this "+
			"roles/secretmanager.secretAccessor on that secret, and see that its version is enabled", again.From)
	case renewing:
		return fmt.Sprintf("what was read of %s before is refused, and it cannot be read again: see that it is there and may be read", again.From)
	}
	return ""
}
