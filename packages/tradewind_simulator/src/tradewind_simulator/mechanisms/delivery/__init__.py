"""From the payment to the door and after: promises, handling, attempts, receipt, claims, reviews."""
