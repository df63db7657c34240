-- What holds up, or brings, the stop of a workspace that nobody asked for.
CREATE TABLE workspace_stops (
  tenant_id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  -- since when its runner says that something works in it, and when it last said that nothing does any more
  work_since TEXT,
  work_until TEXT,
  -- when its owner said that it should run on
  kept_at TEXT,
  -- the start that the schedule was looked at for; the rest is of that start alone
  planned_for INTEGER,
  -- the next stop of the schedule, as it was put off; NULL: none
  stop_at TEXT,
  postponed INTEGER NOT NULL DEFAULT 0,
  -- the stop that its terminals were warned of
  warned_of TEXT,
  PRIMARY KEY (tenant_id, workspace_id)
) STRICT;
CREATE INDEX workspace_stops_due ON workspace_stops (stop_at) WHERE stop_at IS NOT NULL;
