-- Holds that are over stay for a year and more; those that wait are looked up with every file.
CREATE INDEX hold_state ON hold (state);
