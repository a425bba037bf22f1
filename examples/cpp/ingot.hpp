// Ingot for C++17: objects that close themselves, exceptions that carry the message. A header over ingot.h, nothing to link.
//
//   ingot::Model model(fable_program, "fable.plan", "fable.weights");
//   ingot::Session session(model);
//   session.chat({{"user", "Tell me a story."}}, [](std::string_view text) { std::cout << text; return true; });
//
// Threads as in ingot.h: a Model may be used from any thread, a Session by one at a time, bar cancel(). A Session keeps its Model's memory in use: the Model has
// to live longer.
#pragma once
#include <ingot.h>

#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ingot {

class Error : public std::runtime_error {
public:
  explicit Error(const ingot_error &e) : std::runtime_error(e.message), status(e.status) {}
  ingot_status status;
};

namespace detail {
inline ingot_status check(ingot_status status, const ingot_error &error) {
  if (status < 0) throw Error(error);
  return status;
}

// For what tells its errors by a negative number alone.
inline std::size_t count(int32_t n, const char *what) {
  if (n >= 0) return static_cast<std::size_t>(n);
  ingot_error error = {};
  error.status = static_cast<ingot_status>(n);
  std::strncpy(error.message, what, sizeof error.message - 1);
  throw Error(error);
}
} // namespace detail

struct Message {
  std::string role, content;
};

class Model {
public:
  Model(const ingot_program &program, const ingot_model_options &options) {
    ingot_error error = {};
    ingot_model *model = nullptr;
    detail::check(ingot_model_open(&program, &options, &model, &error), error);
    model_.reset(model);
  }
  Model(const ingot_program &program, const std::string &plan, const std::string &weights) : Model(program, files(plan, weights)) {}

  ingot_model_info info() const {
    ingot_model_info info = {};
    info.size = sizeof info;
    ingot_model_get_info(get(), &info);
    return info;
  }
  std::vector<ingot_token> tokenize(std::string_view text, bool special = false) const {
    std::vector<ingot_token> tokens(text.size() + 8);
    for (;;) {
      auto n = detail::count(ingot_tokenize(get(), text.data(), text.size(), special, tokens.data(), static_cast<int32_t>(tokens.size())), "the text cannot be tokenised");
      bool whole = n <= tokens.size();
      tokens.resize(n);
      if (whole) return tokens;
    }
  }
  std::string detokenize(const std::vector<ingot_token> &tokens) const {
    std::string text(tokens.size() * 8, '\0');
    for (;;) {
      auto n = detail::count(ingot_detokenize(get(), tokens.data(), tokens.size(), text.data(), static_cast<int32_t>(text.size())), "a token is not the model's");
      bool whole = n <= text.size();
      text.resize(n);
      if (whole) return text;
    }
  }
  ingot_model *get() const { return model_.get(); }

private:
  static ingot_model_options files(const std::string &plan, const std::string &weights) {
    ingot_model_options options = {};
    options.size = sizeof options;
    options.plan_path = plan.c_str();
    options.weights_path = weights.c_str();
    return options;
  }
  struct Close { void operator()(ingot_model *m) const { ingot_model_close(m); } };
  std::unique_ptr<ingot_model, Close> model_;
};

class Session {
public:
  explicit Session(const Model &model, const ingot_sampling *sampling = nullptr, uint32_t n_context = 0) {
    ingot_error error = {};
    ingot_session_options options = {};
    options.size = sizeof options;
    options.n_context = n_context;
    options.sampling = sampling;
    ingot_session *session = nullptr;
    detail::check(ingot_session_open(model.get(), &options, &session, &error), error);
    session_.reset(session);
  }

  // Streams an answer to the talk: `hear(text)` returns false to stop. INGOT_OK, INGOT_END, INGOT_STOPPED or INGOT_CANCELLED; exceptions of `hear` come through.
  template <class Hear> ingot_status chat(const std::vector<Message> &talk, Hear &&hear, uint32_t most = 256) {
    std::vector<ingot_message> messages;
    for (const Message &m : talk) messages.push_back({m.role.c_str(), m.content.c_str()});
    return stream(hear, [&](ingot_stream f, void *user, ingot_error *error) { return ingot_chat(get(), messages.data(), messages.size(), most, f, user, error); });
  }
  template <class Hear> ingot_status generate(std::string_view text, Hear &&hear, uint32_t most = 256) {
    return stream(hear, [&](ingot_stream f, void *user, ingot_error *error) { return ingot_generate(get(), text.data(), text.size(), most, f, user, error); });
  }
  // The whole answer at once.
  std::string answer(const std::vector<Message> &talk, uint32_t most = 256) {
    std::string text;
    chat(talk, [&](std::string_view piece) { text += piece; return true; }, most);
    return text;
  }
  void append(const std::vector<ingot_token> &tokens) {
    ingot_error error = {};
    detail::check(ingot_append(get(), tokens.data(), tokens.size(), &error), error);
  }
  void rewind(uint32_t position) {
    ingot_error error = {};
    detail::check(ingot_rewind(get(), position, &error), error);
  }
  uint32_t position() const { return ingot_position(get()); }
  void cancel() { ingot_cancel(get()); } // from any thread
  ingot_session *get() const { return session_.get(); }

private:
  // No exception may pass through the runtime's C: it waits here until the runtime has returned.
  template <class Hear, class Run> static ingot_status stream(Hear &hear, Run &&run) {
    struct State { Hear *hear; std::exception_ptr thrown; } state = {&hear, nullptr};
    ingot_error error = {};
    ingot_status status = run(
      [](void *user, const ingot_piece *piece) {
        auto *s = static_cast<State *>(user);
        try {
          return static_cast<bool>((*s->hear)(std::string_view(piece->text, piece->size)));
        } catch (...) {
          s->thrown = std::current_exception();
          return false;
        }
      },
      &state, &error);
    if (state.thrown) std::rethrow_exception(state.thrown);
    return detail::check(status, error);
  }
  struct Close { void operator()(ingot_session *s) const { ingot_session_close(s); } };
  std::unique_ptr<ingot_session, Close> session_;
};

} // namespace ingot
