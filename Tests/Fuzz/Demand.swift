/// Ends the fuzzer where what must hold does not.
func demand(_ holds: Bool, _ rule: @autoclosure () -> String) {
    if !holds { fatalError("broke a rule: " + rule()) }
}
