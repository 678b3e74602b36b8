// The `grammar` of a request: a bracket in a bracket, a hundred thousand times.
#include "llama-grammar.h"

#include <string>

int main() {
    const int depth = 100000;
    const std::string text = "root ::= " + std::string(depth, '(') + "\"a\"" + std::string(depth, ')');
    llama_grammar_parser parser;
    parser.parse(text.c_str());
}
