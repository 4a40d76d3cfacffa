package canary

import (
	"fmt"
	"slices"
	"strings"
)

// A Place is a text in which secrets are searched for.
type Place struct {
	Name string
	Data []byte
	// Raw marks the bytes of a file in which words are adjacent. In a text six digits are
	// only searched for as a word, since the text may contain hexadecimal.
	Raw bool
}

// A Leak says what kind of secret was found, and not the secret.
type Leak struct {
	Kind     string // of secret
	Place    string
	Spelling string
	Offset   int
}

func (l Leak) String() string {
	return fmt.Sprintf("%s: %s, %s, at %d", l.Place, l.Kind, l.Spelling, l.Offset)
}

// Secrets are values that only their owner may have. The zero Secrets is empty.
type Secrets struct {
	known   map[string]bool
	kinds   map[string]int
	codes   map[string]bool // the kinds of six digits
	seen    [1 << 14]uint64 // a bit for the hash of each needle's head
	needles map[uint64][]needle
}

// A needle is one spelling of a secret.
type needle struct {
	kind, spelling, text string
	number               int // of the secret, in its kind
}

// Kinds returns how many secrets of each kind there are.
func (s *Secrets) Kinds() map[string]int { return s.kinds }

// String reports how many secrets there are, and in how many spellings.
func (s *Secrets) String() string {
	secrets, needles := 0, 0
	for _, n := range s.kinds {
		secrets += n
	}
	for _, n := range s.needles {
		needles += len(n)
	}
	return fmt.Sprintf("%d secrets of %d kinds in %d spellings", secrets, len(s.kinds), needles)
}

// Add remembers a secret.
func (s *Secrets) Add(kind string, secret []byte) {
	if len(secret) < head || s.known[kind+string(secret)] {
		return
	}
	if s.known == nil {
		s.known, s.codes = make(map[string]bool), make(map[string]bool)
		s.kinds, s.needles = make(map[string]int), make(map[uint64][]needle)
	}
	s.known[kind+string(secret)] = true
	s.kinds[kind]++
	texts := make(map[string]bool)
	for _, form := range spellings(secret) {
		text := form.text
		if len(text) < head || texts[text] {
			continue
		}
		texts[text] = true
		var key uint64
		for i := range head {
			key = key<<8 | uint64(text[i])
		}
		s.seen[hash(key)>>6] |= 1 << (hash(key) & 63)
		s.needles[key] = append(s.needles[key], needle{kind, form.name, text, s.kinds[kind]})
	}
}

// AddCode remembers six digits. One number out of a million occurs somewhere by chance,
// but two of a kind do not: a kind of codes has leaked if two of them are found.
func (s *Secrets) AddCode(kind, code string) {
	s.Add(kind, []byte(code))
	s.codes[kind] = true
}

// head is how many bytes of a needle are compared first: as many as the shortest has.
const head = 6

func hash(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> 44 }

// Find returns a leak for each kind of secret in each of the places.
func (s *Secrets) Find(places ...Place) []Leak {
	var leaks []Leak
	for _, p := range places {
		leaks = append(leaks, s.find(p)...)
	}
	return leaks
}

func (s *Secrets) find(p Place) []Leak {
	first := make(map[string]Leak)           // by kind
	numbers := make(map[string]map[int]bool) // by kind, the secrets that were found
	var key uint64
	for i, c := range p.Data {
		key = (key<<8 | uint64(c)) & (1<<(8*head) - 1)
		if h := hash(key); s.seen[h>>6]>>(h&63)&1 == 0 || i < head-1 {
			continue
		}
		for _, n := range s.needles[key] {
			at := i - (head - 1)
			if !n.lies(p, at, s.codes[n.kind]) {
				continue
			}
			if numbers[n.kind] == nil {
				numbers[n.kind] = make(map[int]bool)
				first[n.kind] = Leak{n.kind, p.Name, n.spelling, at}
			}
			numbers[n.kind][n.number] = true
		}
	}
	var leaks []Leak
	for kind, leak := range first {
		if !s.codes[kind] || len(numbers[kind]) > 1 {
			leaks = append(leaks, leak)
		}
	}
	slices.SortFunc(leaks, func(a, b Leak) int { return a.Offset - b.Offset })
	return leaks
}

// lies reports whether the needle is in the place at an offset, and not in the middle of
// a longer number or word.
func (n needle) lies(p Place, at int, code bool) bool {
	end := at + len(n.text)
	if end > len(p.Data) || string(p.Data[at:end]) != n.text {
		return false
	}
	if !code || len(n.text) > head { // the digits themselves
		return true
	}
	return (at == 0 || !p.joins(p.Data[at-1])) && (end == len(p.Data) || !p.joins(p.Data[end]))
}

// joins reports whether a byte beside six digits makes them a part of something else.
func (p Place) joins(c byte) bool {
	digit := c >= '0' && c <= '9'
	letter := c|0x20 >= 'a' && c|0x20 <= 'z'
	return digit || letter && !p.Raw
}

// Places makes a place of each file: of raw bytes unless it is among the texts.
func Places(files map[string][]byte, texts ...string) []Place {
	var places []Place
	for name, data := range files {
		places = append(places, Place{name, data, !slices.Contains(texts, name)})
	}
	return places
}

// Missing returns the kinds that were not found in any place whose name begins with place.
func Missing(leaks []Leak, place string, kinds []string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool {
		return slices.ContainsFunc(leaks, func(l Leak) bool { return l.Kind == kind && strings.HasPrefix(l.Place, place) })
	})
}

// Size reports how much was searched.
func Size(places []Place) string {
	bytes := 0
	for _, p := range places {
		bytes += len(p.Data)
	}
	return fmt.Sprintf("%d places of %d MiB", len(places), bytes>>20)
}
