package adminweb

// Key is what a form calls a person.
func Key(p Person) string { return personKey(p.ID) }
