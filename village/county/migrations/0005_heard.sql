-- What a village sent since it last said anything new: whoever carries the same bytes here again is not the village.
CREATE TABLE heard (
    id          INTEGER PRIMARY KEY,
    village_no  INTEGER NOT NULL REFERENCES village (no),
    print       BLOB    NOT NULL,
    UNIQUE (village_no, print)
) STRICT;
