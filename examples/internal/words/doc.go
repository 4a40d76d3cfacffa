// Package words contains the texts of the examples, in English, German and Spanish.
//
// The texts are in en.json, de.json and es.json. Each has an id, such as "signin.title",
// and the plural forms that CLDR has for the language. A text may contain the tags a,
// strong and span, and arguments such as {{.Name}}; the tests ensure that it has the same
// ones in every language.
//
// The texts are trusted, and the arguments are not: [Language.HTML] escapes them. What
// [Language.Say] returns is plain text, which html/template escapes as a whole.
//
// Languages are read-only and may be used by several goroutines.
package words
