-- What a search for people looks through, in small letters: of a member the name and the email, of a link these too and
-- its own. The index has all that a list is sorted and narrowed by, so a search reads a few bytes of each link, and no body.
ALTER TABLE members ADD COLUMN words TEXT NOT NULL DEFAULT '';
ALTER TABLE links ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE members SET words = words_of_member(body);
UPDATE links SET words = searched(body, (SELECT m.body FROM members m WHERE m.id = coalesce(member, kin)));
CREATE INDEX links_searched ON links (account, remote_id, words, state, since, email);
