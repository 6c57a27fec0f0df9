-- What people look for: what waits of an arrival, how many dead letters there are for each reason, what was done by one
-- operation. Arrivals become deliveries in order, so the first of these grows at its end, which costs little.
CREATE INDEX outbox_of_arrival ON outbox (inbox_seq);
CREATE INDEX dead_letters_by_reason ON dead_letters (component, reason, id);
CREATE INDEX audit_by_operation ON audit (operation, id);
