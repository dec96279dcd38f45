package sign

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/transport"
)

// The key of the example in the signing guide; it opens nothing.
const (
	exampleAccess = "QTWAOYTTINDUT2QVKYUC"
	exampleSecret = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"
)

func signer(t testing.TB, token string) *HuaweiCloud {
	t.Helper()
	h, err := NewHuaweiCloud(exampleAccess, exampleSecret, token)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The signatures are those of Huawei Cloud's own libraries: huaweicloudsdkcore
// for Python and huaweicloud-sdk-go-v3/core for Go, which agree on all of them.
func TestSignatures(t *testing.T) {
	const host = "infer.example.com"
	f := func(method, uri, host, body, date, token, want string) {
		t.Helper()
		at, err := time.Parse(dateFormat, date)
		if err != nil {
			t.Fatal(err)
		}
		at = at.In(time.FixedZone("", 8*3600)).Add(999 * time.Millisecond)
		got := signer(t, token).Sign([]transport.Header{{Name: "Content-Type", Value: "application/json"}}, method, uri, host, []byte(body), at)
		fields := []transport.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Sdk-Date", Value: date}}
		signed := "host;x-sdk-date"
		if token != "" {
			fields = append(fields, transport.Header{Name: "X-Security-Token", Value: token})
			signed += ";x-security-token"
		}
		fields = append(fields, transport.Header{Name: "Authorization",
			Value: "SDK-HMAC-SHA256 Access=" + exampleAccess + ", SignedHeaders=" + signed + ", Signature=" + want})
		if !slices.Equal(got, fields) {
			t.Errorf("%s %s\ngot  %v\nwant %v", method, uri, got, fields)
		}
	}
	const day = "20260102T030405Z"
	f("GET", "/", host, "", day, "", "326b1eb9c20e1f45382972176bd4efdac9fdf9ca1129efc3400453cdc5246b73")
	f("GET", "", host, "", day, "", "326b1eb9c20e1f45382972176bd4efdac9fdf9ca1129efc3400453cdc5246b73")
	f("POST", "/v1/infers/8a2f/v1/chat/completions", host, `{"model":"m","stream":true}`, day, "", "21412c5bfd4c0e958ff7ce6f23b7983be936969b8845b2f31a25ef91127ef54e")
	f("POST", "/v1/infers/8a2f/generate", host+":8443", `{"inputs":"x"}`, "20261231T235959Z", "", "3a1e868eb3559c56e0efb8e8dcc0c40a167e6b785f8175bf7f69749befd48c52")
	// Parameters: two of one name, without a value, in an order that encoding changes.
	f("GET", "/v1/x?limit=2&marker=b%20c&limit=10&a=&B=%C3%BC&a-b=1&a%20b=2&e", host, "", day, "", "e89fdbdc8615c5f25f8ac9e0fa51266f23fb7a3fd4917e24cd70acd7671c57f4")
	f("GET", "/v1/x?q=a+b&z=%2B%2F%3D%26&y=*%7E!'()", host, "", day, "", "d2648347254f775f53fa51d308a894fb97a49131f48f03935acafe450f624681")
	// Paths: encoded, and with what only some encode; as they are.
	f("POST", "/v1/%E6%A8%A1%E5%9E%8B/a%20b/%2Fc/~x!$&'()*+,;=:@/", host, "{}", day, "", "5eb880c4a06038d78489654eb03e064ea9b08d3bfdc228296abb507341c2cb68")
	f("POST", "/v1/模型", host, "{}", day, "", "4e22841e78f88814ec6d61777ef9a8b8d78d89a58bb3faf9cc0b227c3d5039b4")
	f("PUT", "/v1/big/", host, strings.Repeat("x", 3<<20), day, "", "f128a66979635e900071f6cfa07f12903050f6ef2f8cf8685f7dafc89855fd02")
	// Temporary credentials.
	f("DELETE", "/v1/x", host, "", day, "TOKEN+/==", "5555cdd6450748532ea3d208f016f9150ed43b75f421dfa3339662597db5bc17")
	f("POST", "/v1/x?n=1", host, `{"prompt":"ü 模型"}`, day, "TOKEN+/==", "83caa2ea9f12a6850ca90207538ff539f6d04ee5d1ea1c56d3f4d48f1a37309e")
}

// The example that the signing guide computes step by step; it signs the
// Content-Type, too.
func TestGuide(t *testing.T) {
	signed := []transport.Header{
		{Name: "content-type", Value: " application/json "},
		{Name: "host", Value: "service.region.example.com"},
		{Name: "x-sdk-date", Value: "20191115T033655Z"},
	}
	request := canonicalRequest("GET", "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?marker=13551d6b-755d-4757-b956-536f674975c0&limit=2", signed, nil)
	want := `GET
/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/
limit=2&marker=13551d6b-755d-4757-b956-536f674975c0
content-type:application/json
host:service.region.example.com
x-sdk-date:20191115T033655Z

content-type;host;x-sdk-date
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`
	if request != want {
		t.Errorf("canonical request\n%s\nwant\n%s", request, want)
	}
	if got, want := stringToSign(request, "20191115T033655Z"), "SDK-HMAC-SHA256\n20191115T033655Z\nb25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a"; got != want {
		t.Errorf("string to sign\n%s\nwant\n%s", got, want)
	}
	got := signer(t, "").authorization(request, "20191115T033655Z", signed)
	if want := "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"; got != want {
		t.Errorf("authorization\n%s\nwant\n%s", got, want)
	}
}

// What a request had of the fields is replaced, whatever their case; the rest
// stays as it is.
func TestReplacesFields(t *testing.T) {
	got := signer(t, "").Sign([]transport.Header{
		{Name: "authorization", Value: "Bearer x"}, {Name: "X-A", Value: "1"}, {Name: "X-SDK-DATE", Value: "x"}, {Name: "x-security-token", Value: "x"},
	}, "GET", "/", "h", nil, time.Unix(0, 0))
	var have []string
	for _, f := range got {
		have = append(have, f.Name)
	}
	if want := []string{"X-A", "X-Sdk-Date", "Authorization"}; !slices.Equal(have, want) {
		t.Errorf("fields %q, want %q", have, want)
	}
}

func TestConcurrentSigning(t *testing.T) {
	h := signer(t, "")
	at := time.Unix(1_800_000_000, 0)
	want := h.Sign(nil, "POST", "/x", "h", []byte("body"), at)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := h.Sign(nil, "POST", "/x", "h", []byte("body"), at); !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
	all.Wait()
}

func TestNewHuaweiCloud(t *testing.T) {
	f := func(access, secret, token, want string) {
		t.Helper()
		h, err := NewHuaweiCloud(access, secret, token)
		if want == "" {
			if err != nil || h == nil {
				t.Errorf("error %v", err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("the error shows what is secret: %v", err)
		}
	}
	f("AK", "SK", "", "")
	f("AK", "SK", "token", "")
	f("", "hidden", "", "no access key (AK)")
	f("AK", "", "", "no secret key (SK)")
	f("", "", "", "no access key")
	f("A K", "hidden", "", "the access key has a character")
	f("AK,", "hidden", "", "the access key has a character")
	f("AK", "hidden\n", "", "the secret key has a character")
	f("AK", "hidden", "hidden\r\nX-A: 1", "the security token has a character")
}

// A signer that is printed or logged does not show its secrets.
func TestSignerIsNotShown(t *testing.T) {
	h, err := NewHuaweiCloud("AK", "the-secret", "the-token")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(h), fmt.Sprintf("%v %+v %#v %s %q %d %x", h, h, h, h, h, h, h), fmt.Sprintf("%+v", struct{ S transport.Signer }{h}),
	} {
		if strings.Contains(text, "the-secret") || strings.Contains(text, "the-token") || strings.Contains(text, fmt.Sprintf("%x", "the-secret")) {
			t.Errorf("shown: %s", text)
		}
	}
	if got := fmt.Sprint(h); got != "Huawei Cloud access key AK" {
		t.Errorf("printed as %q", got)
	}
}

// However a path and a query are encoded, they have one canonical form, which is
// its own.
func FuzzCanonical(f *testing.F) {
	f.Add("/a%20b/%zz/%", "a=1&b&&=&c=%2")
	f.Add("", "+=%2B")
	f.Add("/模型//", "ü=ü")
	f.Fuzz(func(t *testing.T, path, query string) {
		p, q := canonicalPath(path), canonicalQuery(query)
		if again := canonicalPath(p); again != p {
			t.Errorf("path %q: %q, then %q", path, p, again)
		}
		if again := canonicalQuery(q); again != q {
			t.Errorf("query %q: %q, then %q", query, q, again)
		}
		for _, c := range p + q {
			if c <= ' ' || c > '~' {
				t.Errorf("%q in %q %q", c, p, q)
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	h := signer(b, "")
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			body := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				h.Sign(nil, "POST", "/v1/infers/8a2f/v1/chat/completions", "infer.example.com", body, time.Unix(1_800_000_000, 0))
			}
		})
	}
}
