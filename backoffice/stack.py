def main(argv):
    raise SystemExit("soon")
