-- Once, as a superuser, before the first migration:  psql -f docs/deploy/roles.sql
-- Two roles: the owner migrates, the application serves. The application cannot change what is append-only,
-- nor switch off a trigger, since it owns no table.
CREATE ROLE backoffice_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE ROLE backoffice_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
CREATE DATABASE backoffice OWNER backoffice_owner ENCODING 'UTF8' TEMPLATE template0;

\connect backoffice
REVOKE ALL ON DATABASE backoffice FROM PUBLIC;
GRANT CONNECT ON DATABASE backoffice TO backoffice_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO backoffice_app;
ALTER ROLE backoffice_app IN DATABASE backoffice SET lock_timeout = '10s';
-- Memory and solid disks read in any order alike. With the default of 4 a count may scan a table that has an index.
ALTER ROLE backoffice_app IN DATABASE backoffice SET random_page_cost = 1.1;
-- A merge join reads an index from its beginning. By the numbers of last night that looks cheap; for an agency's key
-- that was made this morning it is a walk over every key there is, at each signed call.
ALTER ROLE backoffice_app IN DATABASE backoffice SET enable_mergejoin = off;
-- What a page asks is answered before a second process has started, and its processor is another page's.
ALTER ROLE backoffice_app IN DATABASE backoffice SET max_parallel_workers_per_gather = 0;
ALTER ROLE backoffice_app IN DATABASE backoffice SET idle_in_transaction_session_timeout = '60s';
