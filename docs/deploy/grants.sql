-- After every migration, as backoffice_owner:  psql -f docs/deploy/grants.sql backoffice
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO backoffice_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO backoffice_app;

-- What is append-only can be read and added to, and nothing else.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
          AND (c.relname IN ('cases_ledgerevent', 'cases_securityevent', 'cases_ledgerleaf', 'cases_checkpoint')
               OR c.relname LIKE 'cases\_accessevent%' OR c.relname LIKE 'cases\_historical%')
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM backoffice_app', name);
    END LOOP;
END $$;

-- Migrations and the making of partitions are the owner's.
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM backoffice_app;
REVOKE EXECUTE ON FUNCTION ledger_access_months(integer) FROM PUBLIC;
