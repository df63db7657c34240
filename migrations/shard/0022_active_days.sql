-- How many people were active on each day (UTC), and for how many it is the day when they were seen last: the sum of the latter over
-- a week is how many different people the week had. So activity is told from a few rows, whatever the number of people.
CREATE TABLE active_days (
  tenant_id TEXT NOT NULL,
  day TEXT NOT NULL,
  people INTEGER NOT NULL,
  seen_last INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, day)
) STRICT;
-- Of the days before, only those who were seen last then are known.
INSERT INTO active_days (tenant_id, day, people, seen_last)
  SELECT tenant_id, substr(last_seen_at, 1, 10), count(*), count(*) FROM users WHERE last_seen_at IS NOT NULL GROUP BY 1, 2;

-- Kept by the database, because several statements write when somebody was seen, some of them guarded.
CREATE TRIGGER users_first_seen AFTER INSERT ON users WHEN NEW.last_seen_at IS NOT NULL
BEGIN
  INSERT INTO active_days (tenant_id, day, people, seen_last) VALUES (NEW.tenant_id, substr(NEW.last_seen_at, 1, 10), 1, 1)
    ON CONFLICT (tenant_id, day) DO UPDATE SET people = people + 1, seen_last = seen_last + 1;
END;
CREATE TRIGGER users_seen_again AFTER UPDATE OF last_seen_at ON users
WHEN substr(NEW.last_seen_at, 1, 10) > substr(coalesce(OLD.last_seen_at, ''), 1, 10)
BEGIN
  UPDATE active_days SET seen_last = seen_last - 1 WHERE tenant_id = OLD.tenant_id AND day = substr(OLD.last_seen_at, 1, 10);
  INSERT INTO active_days (tenant_id, day, people, seen_last) VALUES (NEW.tenant_id, substr(NEW.last_seen_at, 1, 10), 1, 1)
    ON CONFLICT (tenant_id, day) DO UPDATE SET people = people + 1, seen_last = seen_last + 1;
END;
