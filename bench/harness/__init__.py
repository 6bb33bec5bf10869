"""What all benches share: results and targets, surroundings, costs of child processes, collections of photographs."""
