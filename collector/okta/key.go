package okta

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
)

// parseKey reads a private key as PEM or as a JSON Web Key, and the id that the
// latter may have. No part of the text stands in an error.
func parseKey(text []byte) (key crypto.Signer, id string, err error) {
	text = bytes.TrimSpace(text)
	if bytes.HasPrefix(text, []byte("{")) {
		key, id, err = parseJWK(text)
	} else {
		key, err = parsePEM(text)
	}
	if err != nil {
		return nil, "", err
	}
	return key, id, checkKey(key)
}

// checkKey refuses keys that Okta does not take.
func checkKey(key crypto.Signer) error {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < 2048 {
			return fmt.Errorf("it is RSA with %d bits, want 2048 or more", k.N.BitLen())
		}
		return nil
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P256() {
			return fmt.Errorf("it is on the curve %s, want P-256", k.Curve.Params().Name)
		}
		return nil
	}
	return fmt.Errorf("it is a %T, want RSA or ECDSA", key)
}

func parsePEM(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is neither PEM nor a JSON Web Key")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("it is damaged")
		}
		return key, nil
	case "EC PRIVATE KEY":
		key, err := x509.ParseECPrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("it is damaged")
		}
		return key, nil
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("it is damaged")
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("it is a %T, want RSA or ECDSA", key)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("it is encrypted, want it as it is")
	}
	return nil, fmt.Errorf("it is a %q, want a private key", block.Type)
}

// jwk is a private JSON Web Key, RFC 7518.
type jwk struct {
	Type  string `json:"kty"`
	ID    string `json:"kid"`
	Curve string `json:"crv"`
	N     number `json:"n"`
	E     number `json:"e"`
	D     number `json:"d"`
	P     number `json:"p"`
	Q     number `json:"q"`
}

// number is a big integer in base64.
type number struct{ *big.Int }

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("want text")
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errors.New("want base64")
	}
	n.Int = new(big.Int).SetBytes(raw)
	return nil
}

func parseJWK(text []byte) (crypto.Signer, string, error) {
	var k jwk
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, "", errors.New("the JSON Web Key is damaged")
	}
	if k.D.Int == nil {
		return nil, "", errors.New("the JSON Web Key has no private part (d)")
	}
	switch k.Type {
	case "RSA":
		if k.N.Int == nil || k.E.Int == nil || k.P.Int == nil || k.Q.Int == nil || !k.E.IsInt64() {
			return nil, "", errors.New("the JSON Web Key lacks one of n, e, p, q")
		}
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: k.N.Int, E: int(k.E.Int64())},
			D:         k.D.Int, Primes: []*big.Int{k.P.Int, k.Q.Int},
		}
		if key.Validate() != nil {
			return nil, "", errors.New("the JSON Web Key is damaged")
		}
		key.Precompute()
		return key, k.ID, nil
	case "EC":
		if k.Curve != "P-256" {
			return nil, "", fmt.Errorf("the JSON Web Key is on the curve %q, want P-256", k.Curve)
		}
		if k.D.BitLen() > 256 {
			return nil, "", errors.New("the JSON Web Key is damaged")
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), k.D.FillBytes(make([]byte, 32)))
		if err != nil {
			return nil, "", errors.New("the JSON Web Key is damaged")
		}
		return key, k.ID, nil
	}
	return nil, "", fmt.Errorf("the JSON Web Key has the type %q, want RSA or EC", k.Type)
}
