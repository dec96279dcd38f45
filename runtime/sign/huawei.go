package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"weir/runtime/transport"
)

// HuaweiCloud signs requests with an access key of Huawei Cloud (AK/SK), as its
// API gateway and ModelArts take them: the algorithm SDK-HMAC-SHA256. Use
// [NewHuaweiCloud]. It does not change, and may be used by several goroutines.
//
// A signed request has the fields X-Sdk-Date, Authorization and, with temporary
// credentials, X-Security-Token; they replace those that it had. The signature
// is over the method, the path, the query, the Host field, the two other fields
// and the whole body. What the gateway asks for besides:
//
//   - The body is at most 12 MB; for larger ones use a token (X-Auth-Token).
//   - X-Sdk-Date is at most 15 minutes from its own time, so this machine's clock
//     must be right.
//   - The Host field comes to it as it was sent, with the port if there is one.
//
// Source: Huawei Cloud, API signing guide, "AK/SK signing and authentication
// algorithm" (support.huaweicloud.com/intl/en-us/devg-apisign); ModelArts API
// reference, "Authentication" (support.huaweicloud.com/intl/en-us/api-modelarts/modelarts_03_0004.html).
type HuaweiCloud struct {
	accessKey, secretKey, securityToken string
}

var _ transport.Signer = (*HuaweiCloud)(nil)

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z" // UTC

	fieldAuthorization = "Authorization"
	fieldDate          = "X-Sdk-Date"
	fieldToken         = "X-Security-Token"
)

// NewHuaweiCloud makes a signer of an access key (AK) and its secret key (SK).
// securityToken belongs to temporary credentials; it is "" for permanent ones.
// The error says which of them cannot be one, without showing it.
func NewHuaweiCloud(accessKey, secretKey, securityToken string) (*HuaweiCloud, error) {
	switch {
	case accessKey == "":
		return nil, errors.New("no access key (AK) for the secret key")
	case secretKey == "":
		return nil, errors.New("no secret key (SK) for the access key")
	}
	for _, f := range []struct{ name, value string }{
		{"access key", accessKey}, {"secret key", secretKey}, {"security token", securityToken},
	} {
		// One of these, such as a line end from a file, would make every signature wrong.
		if strings.ContainsFunc(f.value, func(r rune) bool { return r <= ' ' || r == ',' || r > '~' }) {
			return nil, fmt.Errorf("the %s has a character in it that none has, such as a space or a line end", f.name)
		}
	}
	return &HuaweiCloud{accessKey, secretKey, securityToken}, nil
}

// Sign implements [transport.Signer].
func (h *HuaweiCloud) Sign(header []transport.Header, method, uri, host string, body []byte, at time.Time) []transport.Header {
	header = slices.DeleteFunc(header, func(f transport.Header) bool {
		return strings.EqualFold(f.Name, fieldAuthorization) || strings.EqualFold(f.Name, fieldDate) || strings.EqualFold(f.Name, fieldToken)
	})
	date := at.UTC().Format(dateFormat)
	signed := []transport.Header{{Name: "host", Value: host}, {Name: "x-sdk-date", Value: date}} // sorted
	header = append(header, transport.Header{Name: fieldDate, Value: date})
	if h.securityToken != "" {
		signed = append(signed, transport.Header{Name: "x-security-token", Value: h.securityToken})
		header = append(header, transport.Header{Name: fieldToken, Value: h.securityToken})
	}
	return append(header, transport.Header{Name: fieldAuthorization, Value: h.authorization(canonicalRequest(method, uri, signed, body), date, signed)})
}

// authorization is the value of the field Authorization.
func (h *HuaweiCloud) authorization(request, date string, signed []transport.Header) string {
	mac := hmac.New(sha256.New, []byte(h.secretKey))
	mac.Write([]byte(stringToSign(request, date)))
	return algorithm + " Access=" + h.accessKey + ", SignedHeaders=" + names(signed) + ", Signature=" + hex.EncodeToString(mac.Sum(nil))
}

func stringToSign(request, date string) string {
	return algorithm + "\n" + date + "\n" + hash([]byte(request))
}

// Format shows the access key alone, whatever the verb: a signer that comes into a
// message or a log does not give away the secret.
func (h *HuaweiCloud) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "Huawei Cloud access key %s", h.accessKey)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
