// Package spellings lists the ways in which people type and paste codes and numbers, for
// tests of every place that accepts them.
package spellings

import "strings"

// OfCode returns spellings of a code of six digits. Each of them is accepted as the code.
func OfCode(code string) []string {
	a, b := code[:3], code[3:]
	return []string{
		code, a + " " + b, a + "-" + b,
		a + "\u00a0" + b, a + "\u2009" + b, a + "\u202f" + b, "\u200b" + code, "\ufeff" + code,
		code + "\n", code + "\r\n", "\t" + code,
		a + "\u2013" + b, a + "\u2011" + b, a + "\u30fc" + b,
		inScript(code, '０'), inScript(code, '٠'),
		"\u201c" + code + "\u201d", code + ".",
	}
}

// NotOfCode returns texts that look like a code of six digits, but are not one.
func NotOfCode(code string) []string {
	return []string{
		code[1:], code + "1", "o" + code[1:], code + " " + code, inScript(code[:3], '٠') + code[3:], inScript(code[:1], '０') + code[1:], code + "x",
	}
}

// OfRecoveryCode returns spellings of a recovery code that is given as on the sheet.
func OfRecoveryCode(code string) []string {
	spaced := strings.ReplaceAll(code, "-", " ")
	return []string{
		code, strings.ToLower(spaced), " 1.  " + code, "12) " + code, "\u2022 " + code,
		code + "\n", "\t" + code, strings.ReplaceAll(code, "-", "\u00a0"), strings.ReplaceAll(code, "-", "\u2013"),
		strings.ReplaceAll(code, "-", "\u00ad-\u00ad"), `"` + code + `"`, "\u00ab" + code + "\u00bb", code + ".", code + ",",
	}
}

// NotOfRecoveryCode returns texts that look like a recovery code, but are not one.
func NotOfRecoveryCode(code string) []string {
	return []string{code + " " + code, code[:len(code)-1], "U" + code[1:]}
}

// OfNumber returns spellings of +43 660 1234567.
func OfNumber() []string {
	return []string{
		"+43 660 1234567", "\u202a+43 660 1234567\u202c", "\u200e+436601234567", "tel:+436601234567", "(+43) 660 1234567", "＋43 660 1234567",
		"+43 660/1234567", "+43.660.1234567", "+43 660 1234567\n", "+43 660\u00a0123\u2011456\u20117", "+" + inScript("436601234567", '٠'),
	}
}

// inScript writes digits in the script that has this zero.
func inScript(digits string, zero rune) string {
	return strings.Map(func(r rune) rune { return zero + r - '0' }, digits)
}
