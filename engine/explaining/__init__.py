"""What a predictor rests on: groups of features, further columns, and the examples that a prediction resembles."""
