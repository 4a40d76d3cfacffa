// Package words is what the examples say, in English, German and Spanish.
//
// The texts are in en.json, de.json and es.json, by an id such as
// "signin.title", with the plural forms that CLDR has for the language. A text
// may hold the tags a, strong and span, and arguments such as {{.Name}}; the
// tests hold that it has the same ones in every language.
//
// The texts are trusted, and arguments are not: [Language.HTML] escapes them,
// and what [Language.Say] returns is text, which html/template escapes whole.
//
// Languages are read-only and may be used by several goroutines.
package words
