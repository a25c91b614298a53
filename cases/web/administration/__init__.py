"""The pages of whoever runs the office: people, rules, agencies, figures, the audit trail, how the office is."""
