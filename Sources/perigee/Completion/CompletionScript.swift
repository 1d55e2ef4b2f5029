/// What a shell needs to complete command lines of perigee's: it asks `perigee complete`, and knows nothing itself.
enum CompletionScript: String, CaseIterable {
    case bash, zsh, fish

    var text: String {
        switch self {
        case .bash:
            #"""
            # bash completion of perigee: source <(perigee completion bash)
            _perigee() {
                local line=${COMP_LINE:0:COMP_POINT} word help
                local -a words=()
                # As they were typed: bash itself would break them at = and :
                read -ra words <<<"$line"
                [[ $line == *[[:space:]] ]] && words+=('')
                local current=${words[${#words[@]} - 1]}
                local before=${current%"${current##*[=:]}"} path
                COMPREPLY=()
                while IFS=$'\t' read -r word help; do
                    case $word in
                    :file | :directory)
                        compopt -o filenames 2>/dev/null
                        while IFS= read -r path; do
                            COMPREPLY+=("$path")
                        done < <(compgen -"${word:1:1}" -- "${current##*=}")
                        ;;
                    *) COMPREPLY+=("${word#"$before"}") ;;
                    esac
                done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
            }
            complete -F _perigee perigee

            """#
        case .zsh:
            #"""
            #compdef perigee
            # zsh completion of perigee: source <(perigee completion zsh)
            _perigee() {
                local word help
                local -a found
                while IFS=$'\t' read -r word help; do
                    case $word in
                    :file) compset -P '*=' ; _files ;;
                    :directory) compset -P '*=' ; _files -/ ;;
                    *) found+=("${word//:/\\:}:$help") ;;
                    esac
                done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
                (( $#found )) && _describe perigee found
            }
            if [[ $funcstack[1] == _perigee ]]; then _perigee "$@"; else compdef _perigee perigee; fi

            """#
        case .fish:
            #"""
            # fish completion of perigee: perigee completion fish | source
            function __perigee_complete
                set -l before (commandline -opc)
                set -l current (commandline -ct)
                set -l prefix (string match -r '^-[^=]*=' -- "$current")
                set -l path (string replace -r '^-[^=]*=' '' -- "$current")
                for line in ($before[1] complete -- $before[2..-1] "$current" 2>/dev/null)
                    switch $line
                        case ':file'
                            for found in (__fish_complete_path "$path")
                                echo "$prefix$found"
                            end
                        case ':directory'
                            for found in (__fish_complete_directories "$path")
                                echo "$prefix$found"
                            end
                        case '*'
                            echo $line
                    end
                end
            end
            complete -c perigee -f -a '(__perigee_complete)'

            """#
        }
    }
}
