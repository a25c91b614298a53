"""The staff pages: translate a request in, make one kernel call, translate the answer out. They decide nothing."""
