package reader

const maxNames = 10_000 // of models and kinds; holds memory if one is different in each row

// names are the texts that many rows have in common, each kept once.
type names map[string]string

func (n names) same(name *string) {
	if known, ok := n[*name]; ok {
		*name = known
	} else if len(n) < maxNames {
		n[*name] = *name
	}
}

// sessions number the rows of each session, and keep its name once.
type sessions map[string]session

type session struct {
	name string
	rows int
}

// next makes a row the next one of its session, if it has one.
func (s sessions) next(row *Row) {
	if row.Session == "" {
		return
	}
	known, ok := s[row.Session]
	if !ok {
		known.name = row.Session
	}
	row.Session, row.Turn = known.name, known.rows
	known.rows++
	s[known.name] = known
}
