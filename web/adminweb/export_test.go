package adminweb

// Key returns the name of a person in a form.
func Key(p Person) string { return personKey(p.ID) }
