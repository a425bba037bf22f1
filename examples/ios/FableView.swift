import SwiftUI

struct FableView: View {
    let fable: Fable
    @State private var messages: [Fable.Message] = []
    @State private var draft = ""
    @State private var answering: Task<Void, Never>?

    var body: some View {
        VStack {
            ScrollView {
                ForEach(Array(messages.enumerated()), id: \.offset) { _, message in
                    Text(message.content)
                        .foregroundStyle(message.role == "user" ? .secondary : .primary)
                        .frame(maxWidth: .infinity, alignment: .leading)
                }
            }
            HStack {
                TextField("Message", text: $draft).onSubmit(send)
                Button(answering == nil ? "Send" : "Stop") { answering == nil ? send() : answering?.cancel() }
            }
        }
        .padding()
    }

    private func send() {
        guard !draft.isEmpty, answering == nil else { return }
        messages.append(.init(role: "user", content: draft))
        draft = ""
        let talk = messages
        messages.append(.init(role: "assistant", content: ""))
        answering = Task { @MainActor in
            do {
                for try await text in fable.chat(talk) {
                    let last = messages.count - 1
                    messages[last] = .init(role: "assistant", content: messages[last].content + text)
                }
            } catch {
                messages.append(.init(role: "assistant", content: error.localizedDescription))
            }
            answering = nil
        }
    }
}
