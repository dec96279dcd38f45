package result

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// SealWith sets the seal of a result: a MAC, with a key that only one user has, of all that
// repeats the run. The program is in it with its hash.
func (r *Result) SealWith(key []byte) error {
	sum, err := r.mac(key)
	if err == nil {
		r.Seal = hex.EncodeToString(sum)
	}
	return err
}

// SealedWith tells whether the result has the seal that this key gives it.
func (r *Result) SealedWith(key []byte) bool {
	sum, err := r.mac(key)
	found, wrong := hex.DecodeString(r.Seal)
	return err == nil && wrong == nil && len(found) > 0 && hmac.Equal(sum, found)
}

func (r *Result) mac(key []byte) ([]byte, error) {
	sealed := &Result{
		Script: r.Script, Params: r.Params, Chosen: r.Chosen, Secrets: r.Secrets,
		Command: r.Command, Directory: r.Directory, Written: r.Written,
		Environment: Environment{Hostname: r.Environment.Hostname},
	}
	// A result that was read has other types than one that is written, such as for whole
	// numbers; the text of what was read is the same in both.
	text, err := json.Marshal(sealed)
	if err != nil {
		return nil, err
	}
	read := new(Result)
	if err := json.Unmarshal(text, read); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(read); err != nil {
		return nil, err
	}
	sum := hmac.New(sha256.New, key)
	sum.Write(text)
	return sum.Sum(nil), nil
}
