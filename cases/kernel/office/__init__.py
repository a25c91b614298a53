"""What the office keeps about itself: people, teams, rights, wordings, lists; two people change them."""
