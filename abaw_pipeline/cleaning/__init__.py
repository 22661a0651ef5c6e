"""What lies in a results folder and no setting refers to any more: found, listed, removed."""
