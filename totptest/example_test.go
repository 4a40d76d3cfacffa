package totptest_test

import (
	"fmt"
	"time"

	"github.com/totpflow/totpflow/totptest"
)

// A phone scans a Key URI, shows a code, and waits for the next one when it is
// asked again.
func Example() {
	clock := totptest.NewClock(time.Date(2026, 1, 1, 0, 0, 59, 0, time.UTC))
	phone, err := totptest.ScanURI("otpauth://totp/Acme:ana?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme", clock)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(phone.Label().Issuer, phone.Code())
	fmt.Println(phone.Code() != "978927", clock.Now().Format(time.TimeOnly))
	// Output:
	// Acme 978927
	// true 00:01:00
}
