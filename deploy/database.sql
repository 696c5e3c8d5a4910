-- Run once by a superuser in the database `tanggap`, which belongs to the user `tanggap`:
--   sudo -u postgres psql tanggap -f deploy/database.sql
CREATE ROLE tanggap_app NOLOGIN;
CREATE ROLE tanggap_worker NOLOGIN;
GRANT tanggap_app, tanggap_worker TO tanggap;
-- Row-level security may then use the full-text index.
ALTER FUNCTION pg_catalog.ts_match_vq(tsvector, tsquery) LEAKPROOF;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
