"""The ground floor: values and words that every other floor speaks in. Standard library only."""
