"""The run-time half as the command line sees it: what a finding asks to be watched, the plan, the verdicts."""
