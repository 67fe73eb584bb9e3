-- Its room is being closed since then: LiveKit closes rooms by their name, and the next attempt's has the same.
ALTER TABLE interviews ADD COLUMN closing_at INT8;
-- How it ended in the words of the candidate's client, whatever the agent's report says.
ALTER TABLE interviews ADD COLUMN client_outcome TEXT;
