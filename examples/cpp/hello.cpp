// The app of hello.c through ingot.hpp: ./hello_cpp fable.plan fable.weights
#include <iostream>
#include "fable.h"
#include "ingot.hpp"

int main(int argc, char **argv) try {
  if (argc != 3) return std::cerr << "usage: hello_cpp PLAN WEIGHTS\n", 2;
  ingot::Model model(fable_program, argv[1], argv[2]);
  ingot::Session session(model);
  std::vector<ingot::Message> talk = {{"user", "What is 3 plus 4?"}};
  session.chat(talk, [](std::string_view text) { return static_cast<bool>(std::cout << text << std::flush); });
  std::cout << "\n" << session.answer({{"user", "What day comes after Sunday?"}}) << "\n";
  std::cout << model.detokenize(model.tokenize("There and back again.")) << "\n";
  return 0;
} catch (const std::exception &e) {
  std::cerr << "hello_cpp: " << e.what() << "\n";
  return 1;
}
