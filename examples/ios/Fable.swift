import Foundation
import fable // the package: ingot.h and fable.h

/// The model fable. One talk at a time; `cancel` from any thread.
final class Fable: @unchecked Sendable {
    struct Message { let role, content: String }
    struct Failure: LocalizedError { let errorDescription: String? }

    private var model: OpaquePointer?
    private var session: OpaquePointer?
    private let queue = DispatchQueue(label: "fable", qos: .userInitiated)

    init(plan: URL = Bundle.main.url(forResource: "fable", withExtension: "plan")!, weights: URL = Bundle.main.url(forResource: "fable", withExtension: "weights")!) throws {
        var error = ingot_error()
        try plan.path.withCString { plan in
            try weights.path.withCString { weights in
                var options = ingot_model_options()
                options.size = MemoryLayout<ingot_model_options>.size
                options.plan_path = plan
                options.weights_path = weights
                try withUnsafePointer(to: fable_program) { try Self.check(ingot_model_open($0, &options, &model, &error), error) }
            }
        }
        try Self.check(ingot_session_open(model, nil, &session, &error), error)
    }

    deinit {
        ingot_session_close(session)
        ingot_model_close(model)
    }

    /// Streams the answer. Ending the loop cancels it.
    func chat(_ messages: [Message], most: UInt32 = 256) -> AsyncThrowingStream<String, Error> {
        AsyncThrowingStream { continuation in
            continuation.onTermination = { [weak self] end in
                if case .cancelled = end { self?.cancel() }
            }
            queue.async { [self] in
                do {
                    let talk = ["messages": messages.map { ["role": $0.role, "content": $0.content] }]
                    let json = try JSONSerialization.data(withJSONObject: talk)
                    var error = ingot_error()
                    let box = Unmanaged.passRetained(Hearer(continuation))
                    defer { box.release() }
                    let status = json.withUnsafeBytes { bytes in
                        ingot_chat_json(session, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count, most, { user, piece in
                            let hearer = Unmanaged<Hearer>.fromOpaque(user!).takeUnretainedValue()
                            if case .terminated = hearer.continuation.yield(String(cString: piece!.pointee.text)) { return false }
                            return true
                        }, box.toOpaque(), &error)
                    }
                    try Self.check(status, error)
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
        }
    }

    func cancel() { ingot_cancel(session) }

    private final class Hearer {
        let continuation: AsyncThrowingStream<String, Error>.Continuation
        init(_ continuation: AsyncThrowingStream<String, Error>.Continuation) { self.continuation = continuation }
    }

    private static func check(_ status: ingot_status, _ error: ingot_error) throws {
        guard status.rawValue < 0 else { return }
        throw Failure(errorDescription: withUnsafePointer(to: error.message) { $0.withMemoryRebound(to: CChar.self, capacity: 252) { String(cString: $0) } })
    }
}
